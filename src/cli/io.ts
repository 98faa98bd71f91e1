import { text } from 'node:stream/consumers';

/** Everything of the outside that a verb touches, so that a test can hand in its own. */
export interface Io {
  /** Writes to standard output as it is, without a line end of its own. */
  out(text: string): void;
  /** Writes to standard error as it is. */
  err(text: string): void;
  /** Everything that standard input brings until its end. */
  readInput(): Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
  /** Height of the terminal in lines. */
  readonly rows: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The Io of this process. */
export function processIo(): Io {
  return {
    out: (written) => void process.stdout.write(written),
    err: (written) => void process.stderr.write(written),
    readInput: () => text(process.stdin),
    env: process.env,
    isTerminal: process.stdout.isTTY === true,
    get columns() {
      return process.stdout.columns || 80;
    },
    get rows() {
      return process.stdout.rows || 24;
    },
    now: () => Date.now(),
  };
}

/** Whether colour is wanted: on a terminal, unless NO_COLOR is set. */
export function wantsColour(io: Io): boolean {
  return io.isTerminal && !io.env.NO_COLOR;
}
