import type { Parcel, Written } from './parcel.ts';
import { recordOf, textOf } from './record-text.ts';
import { type Compared, KINDS, type Kind, nameOf } from './touched.ts';

/** Which changes a message is about, by their sequence number, and who sent them. */
export interface Heading {
  readonly origin: string;
  /** The number of the last changes before; theirs is the next one. NaN: nothing changed, as another replica had been first. */
  readonly before: number;
}

/** In the place of a number: somebody was too late. */
export const CONFLICT = 'conflict';

/** A record that another replica changed; name and stamp are empty where it is not compared. */
export interface Told extends Compared {
  readonly stamp: string;
}

const REMOVED = '-';
const ONLY_TOUCHED = '';
const NEWLINE = 10;

/**
 * The arguments that tell the script one parcel, which it publishes as they are: how many records are compared, how many leases there are,
 * how many end and of how many model classes the usage is told; then of the first kind name, stamp that was read, new stamp and new record,
 * of leases id and record, of those that end the id, of usage class and record. Ids are written as JSON, so no line has a line break in it.
 */
export function argumentsOf({ records, leases, usage }: Parcel): string[] {
  const compared: string[] = [];
  const put: string[] = [];
  const ended: string[] = [];
  const learnt: string[] = [];
  for (const one of records.values()) compared.push(one.kind + JSON.stringify(one.id), one.expected, one.stamp, textIn(one));
  for (const [id, lease] of leases) {
    if (lease === undefined) ended.push(JSON.stringify(id));
    else put.push(JSON.stringify(id), textOf(KINDS.leases, lease));
  }
  for (const [id, estimate] of usage) if (estimate !== undefined) learnt.push(JSON.stringify(id), textOf(KINDS.usage, estimate));
  const counts = [records.size, put.length / 2, ended.length, learnt.length / 2].map(String);
  return [...counts, ...compared, ...put, ...ended, ...learnt];
}

function textIn({ kind, record, isWritten }: Written): string {
  if (!isWritten) return ONLY_TOUCHED;
  return record === undefined ? REMOVED : textOf(kind, record);
}

/** Reads the first line alone: what is in a message of one's own is known. */
export function headingOf(message: Buffer): Heading {
  const [origin = '', before] = message.toString('utf8', 0, message.indexOf(NEWLINE)).split(' ');
  return { origin, before: Number(before) };
}

/** The records of a message, each once. */
export function recordsIn(message: Buffer, pool: string): Told[] {
  const lines = message.toString('utf8', message.indexOf(NEWLINE) + 1).split('\n');
  const told: Told[] = [];
  for (let at = 0; at < lines.length; ) {
    const leases = at + 4 + 4 * Number(lines[at]);
    const ended = leases + 2 * Number(lines[at + 1]);
    const usage = ended + Number(lines[at + 2]);
    const end = usage + 2 * Number(lines[at + 3]);
    for (let i = at + 4; i < leases; i += 4)
      told.push(comparedIn(lines[i] as string, lines[i + 2] as string, lines[i + 3] as string, pool));
    for (let i = leases; i < ended; i += 2) told.push(uncomparedIn(KINDS.leases, lines[i] as string, lines[i + 1], pool));
    for (let i = ended; i < usage; i += 1) told.push(uncomparedIn(KINDS.leases, lines[i] as string, undefined, pool));
    for (let i = usage; i < end; i += 2) told.push(uncomparedIn(KINDS.usage, lines[i] as string, lines[i + 1], pool));
    at = end;
  }
  return told;
}

function uncomparedIn(kind: Kind, told: string, text: string | undefined, pool: string): Told {
  const id = JSON.parse(told);
  return { kind, id, name: '', stamp: '', record: text === undefined ? undefined : recordOf(kind, id, text, pool), isWritten: true };
}

function comparedIn(told: string, stamp: string, text: string, pool: string): Told {
  const [kind, id] = [told.slice(0, 1) as Kind, JSON.parse(told.slice(1))];
  const isWritten = text !== ONLY_TOUCHED;
  const record = isWritten && text !== REMOVED ? recordOf(kind, id, text, pool) : undefined;
  return { kind, id, name: nameOf(kind, id), stamp, record, isWritten };
}
