import type { Pending } from './mirror.ts';
import type { Kind, StoredRecord, Touched } from './touched.ts';

/** Which changes a message is about, by their sequence numbers, and who sent them. */
export interface Heading {
  readonly origin: string;
  /** The number of the last change before. */
  readonly before: number;
  /** The number of the last change in it. */
  readonly after: number;
}

export interface Told {
  readonly stamp: string;
  readonly touched: readonly Touched[];
}

const REMOVED = '-';
const ONLY_TOUCHED = '';
const NEWLINE = 10;

/** The arguments that tell the script one change. Ids are written as JSON, so no line of a message has a line break in it. */
export function argumentsOf({ stamp, touched }: Pending): string[] {
  const records = touched.flatMap(({ kind, id, expected, record, isWritten }) => [
    kind,
    JSON.stringify(id),
    expected,
    isWritten ? (record === undefined ? REMOVED : JSON.stringify(record)) : ONLY_TOUCHED,
  ]);
  return [stamp, String(touched.length), ...records];
}

/** Reads the first line alone: what is in a message of one's own is known. */
export function headingOf(message: Buffer): Heading {
  const [origin = '', before, after] = message.toString('utf8', 0, message.indexOf(NEWLINE)).split(' ');
  return { origin, before: Number(before), after: Number(after) };
}

/** The changes of a message, in order. */
export function changesIn(message: Buffer): Told[] {
  const lines = message.toString('utf8', message.indexOf(NEWLINE) + 1).split('\n');
  const told: Told[] = [];
  for (let at = 0; at < lines.length; ) {
    const stamp = lines[at] as string;
    const end = at + 2 + 3 * Number(lines[at + 1]);
    const touched: Touched[] = [];
    for (let i = at + 2; i < end; i += 3) touched.push(touchedIn(lines[i] as Kind, lines[i + 1] as string, lines[i + 2] as string));
    told.push({ stamp, touched });
    at = end;
  }
  return told;
}

function touchedIn(kind: Kind, id: string, text: string): Touched {
  const isWritten = text !== ONLY_TOUCHED;
  const record = isWritten && text !== REMOVED ? (JSON.parse(text) as StoredRecord) : undefined;
  return { kind, id: JSON.parse(id) as string, record, isWritten };
}
