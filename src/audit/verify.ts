import { type AuditLine, type Head, NO_HEAD, readLine, sha256 } from './chain.ts';

/** What a chain of lines turned out to be. */
export interface Verification {
  readonly records: number;
  /** Lines that a crash left unfinished, each told by the record after it. */
  readonly torn: number;
  /** The time of the first and of the last record; null: there is none. */
  readonly from: string | null;
  readonly to: string | null;
  /** The last record; null: there is none. */
  readonly head: Head | null;
  /** What the first record links to; null: nothing, the chain begins here. */
  readonly follows: Head | null;
  /** The first line that is not as it was written, as a sentence; null: there is none. */
  readonly flaw: string | null;
  /** Bytes at the end that are the beginning of a record that was never finished. */
  readonly unfinishedBytes: number;
}

/** Takes the lines of a chain one after the other, also of several files, and finds the first that is not as it was written. */
export class Verifier {
  #records = 0;
  #torn = 0;
  #first: AuditLine | undefined;
  #last: AuditLine | undefined;
  /** Lines that are no records: torn, if the next record says so. */
  #fragment: { readonly place: string; readonly text: string } | undefined;
  #lastPlace = '';
  #unfinishedBytes = 0;
  #flaw: string | null = null;
  /** A hash that must come; undefined: none, or it came. */
  #awaited: string | undefined;

  /** `awaited` is the hash of a record that must be there: whoever rewrites a whole chain cannot make it anew. */
  constructor(awaited?: string) {
    this.#awaited = awaited;
  }

  /** Takes a line without its end; `place` names it. Answers false once there is a flaw. */
  take(text: string, place: string): boolean {
    this.#flaw ??= this.#flawOf(text, place);
    return this.#flaw === null;
  }

  /** Takes what stands behind the last line end of a file. */
  takeRest(rest: string, place: string): void {
    if (rest === '') return;
    if (readLine(rest) === undefined) this.#unfinishedBytes = Buffer.byteLength(rest);
    else this.take(rest, place);
  }

  result(): Verification {
    const missing =
      this.#awaited === undefined ? null : `no record has the hash ${this.#awaited}: the end was cut off, or the chain was made anew`;
    const left = this.#fragment === undefined ? missing : noRecord(this.#fragment.place);
    return {
      records: this.#records,
      torn: this.#torn,
      from: this.#first?.time ?? null,
      to: this.#last?.time ?? null,
      head: this.#last === undefined ? null : { seq: this.#last.seq, hash: this.#last.hash },
      follows: this.#first === undefined || this.#first.seq === 1 ? null : { seq: this.#first.seq - 1, hash: this.#first.previous },
      flaw: this.#flaw ?? left,
      unfinishedBytes: this.#unfinishedBytes,
    };
  }

  #flawOf(text: string, place: string): string | null {
    const line = readLine(text);
    const fragment = this.#fragment;
    if (line === undefined) {
      this.#fragment = fragment === undefined ? { place, text } : { ...fragment, text: `${fragment.text}\n${text}` };
      return null;
    }
    if (!line.isIntact) return fragment === undefined ? `${place} (record ${line.seq}) was edited` : noRecord(fragment.place);
    if (fragment !== undefined) {
      if (line.kind !== 'torn' || !line.text.includes(`"sha256":"${sha256(fragment.text)}"`)) return noRecord(fragment.place);
      this.#fragment = undefined;
      this.#torn += 1;
    }
    const flaw = this.#linkFlaw(line, place);
    if (flaw !== null) return flaw;
    this.#records += 1;
    if (line.hash === this.#awaited) this.#awaited = undefined;
    this.#first ??= line;
    this.#last = line;
    this.#lastPlace = place;
    return null;
  }

  #linkFlaw(line: AuditLine, place: string): string | null {
    if (line.kind === 'opened' && line.text.includes('"missing":"'))
      return `before ${place}, records were cut off that the service had written`;
    const last = this.#last ?? (line.seq === 1 ? NO_HEAD : undefined);
    if (last === undefined || (line.previous === last.hash && line.seq === last.seq + 1)) return null;
    if (line.seq > last.seq + 1) return `before ${place}, ${removed(last.seq + 1, line.seq - 1)}`;
    if (line.seq === last.seq + 1) return `${this.#lastPlace} (record ${last.seq}) was edited: ${place} follows another one`;
    const rival = line.seq === last.seq && line.text !== this.#last?.text;
    return `${rival ? this.#lastPlace : place} (record ${line.seq}) was inserted`;
  }
}

function removed(first: number, last: number): string {
  return first === last ? `record ${first} was removed` : `records ${first} to ${last} were removed`;
}

function noRecord(place: string): string {
  return `${place} is no record: it was edited or inserted`;
}
