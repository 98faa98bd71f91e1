import { hash } from 'node:crypto';

/** What one record tells besides its place in the chain; `kind` comes first. Nothing in it is secret. */
export type AuditRecord = { readonly kind: string } & Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** The last record of a chain, to which the next one links. */
export interface Head {
  /** Counts the records of a chain from 1. */
  readonly seq: number;
  readonly hash: string;
}

/** Before the first record of a chain. */
export const NO_HEAD: Head = { seq: 0, hash: '0'.repeat(64) };

/** A line as it was read. */
export interface AuditLine extends Head {
  readonly time: string;
  readonly kind: string;
  /** The hash of the record before. */
  readonly previous: string;
  /** Whether the hash is that of the line. */
  readonly isIntact: boolean;
  readonly text: string;
}

/**
 * The line that follows a head, with its line end. Its hash is the SHA-256 of everything in the line before `,"hash":`, which
 * contains the hash of the line before.
 */
export function chained(head: Head, time: number, record: AuditRecord): { readonly line: string; readonly head: Head } {
  const seq = head.seq + 1;
  const told = ascii(JSON.stringify({ audit: 1, seq, time: new Date(time).toISOString(), ...record, previous: head.hash })).slice(0, -1);
  const own = sha256(told);
  return { line: `${told},"hash":"${own}"}\n`, head: { seq, hash: own } };
}

/** A byte is a character then, wherever a crash cuts a line. */
function ascii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const LINE =
  /^(\{"audit":1,"seq":(\d{1,15}),"time":"([^"]{1,40})","kind":"([a-z_]{1,40})".*,"previous":"([0-9a-f]{64})"),"hash":"([0-9a-f]{64})"\}$/;

/** What a line tells, without its line end; undefined: it is no record. */
export function readLine(text: string): AuditLine | undefined {
  const [, told, seq, time, kind, previous, own] = LINE.exec(text) ?? [];
  if (told === undefined || time === undefined || kind === undefined || previous === undefined || own === undefined) return undefined;
  return { seq: Number(seq), time, kind, previous, hash: own, isIntact: sha256(told) === own, text };
}

export function sha256(told: string | Uint8Array): string {
  return hash('sha256', told, 'hex');
}

/** Stands for a text that must not be told, so that its records can be found by whoever has it: 16 hex digits of its SHA-256. */
export function standIn(text: string): string {
  return sha256(text).slice(0, 16);
}
