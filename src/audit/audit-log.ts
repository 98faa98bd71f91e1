import { type AuditRecord, chained, type Head, NO_HEAD } from './chain.ts';
import type { AuditSink } from './sink.ts';

/** How often a log that is lost is opened again. */
const RETRY_MS = 1_000;

export interface AuditLogOptions {
  /** Opens the place where lines go; throws where that is not possible. */
  readonly open: () => AuditSink;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Hears when lines cannot be written any more (with the cause) and when they can again (with null). */
  readonly onHealth: (cause: Error | null) => void;
}

interface Waiting {
  readonly record: AuditRecord;
  readonly written: (isWritten: boolean) => void;
}

/**
 * The audit: a chain of records, those of one turn of the event loop in one write. What cannot be written is answered `false`,
 * and from then on everything is until the place can be opened again.
 */
export class AuditLog {
  readonly #with: AuditLogOptions;
  #sink: AuditSink | null;
  #head: Head = NO_HEAD;
  #waiting: Waiting[] = [];
  #retry: NodeJS.Timeout | undefined;

  /** Throws where the place cannot be opened or written. */
  constructor(options: AuditLogOptions) {
    this.#with = options;
    this.#sink = this.#opened();
  }

  /** Whether nothing can be written at the moment. */
  get isLost(): boolean {
    return this.#sink === null;
  }

  /** Writes a record at the end of this turn; answers whether it is written. Never throws. */
  append(record: AuditRecord): Promise<boolean> {
    return new Promise((written) => {
      this.#waiting.push({ record, written });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Opens the place anew, as after a rotation that renamed the file. */
  reopen(): void {
    this.#flush();
    this.#sink?.close();
    this.#sink = null;
    this.#tryToOpen();
  }

  close(): void {
    clearTimeout(this.#retry);
    void this.append({ kind: 'closed' });
    this.#flush();
    this.#sink?.close();
    this.#sink = null;
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const isWritten = this.#sink !== null && this.#write(this.#sink, waiting);
    for (const { written } of waiting) written(isWritten);
  }

  #write(sink: AuditSink, waiting: readonly Waiting[]): boolean {
    try {
      this.#writeRecords(
        sink,
        waiting.map(({ record }) => record),
      );
      return true;
    } catch (cause) {
      this.#lose(sink, cause as Error);
      return false;
    }
  }

  #writeRecords(sink: AuditSink, records: readonly AuditRecord[]): void {
    const now = this.#with.now();
    let head = this.#head;
    let lines = '';
    for (const record of records) {
      const next = chained(head, now, record);
      lines += next.line;
      head = next.head;
    }
    sink.write(lines);
    this.#head = head;
  }

  #lose(sink: AuditSink, cause: Error): void {
    sink.close();
    this.#sink = null;
    this.#with.onHealth(cause);
    this.#retryLater();
  }

  /** The chain goes on from the last record that is there; where there is none, as in a file after a rotation, from the last one written. */
  #opened(): AuditSink {
    const sink = this.#with.open();
    try {
      const cut = isCut(this.#head, sink.left) ? { missing: this.#head.hash } : {};
      this.#head = sink.left ?? this.#head;
      const torn = sink.torn === null ? [] : [{ kind: 'torn', ...sink.torn }];
      this.#writeRecords(sink, [...torn, { kind: 'opened', ...cut }]);
      return sink;
    } catch (error) {
      sink.close();
      throw error;
    }
  }

  #tryToOpen(): void {
    clearTimeout(this.#retry);
    try {
      this.#sink = this.#opened();
    } catch (cause) {
      this.#with.onHealth(cause as Error);
      this.#retryLater();
      return;
    }
    this.#with.onHealth(null);
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => this.#tryToOpen(), RETRY_MS).unref();
  }
}

/** Whether records that were written are not there any more; more of them may be there than are known to be written. */
function isCut(written: Head, left: Head | null): boolean {
  return left !== null && left.seq <= written.seq && left.hash !== written.hash;
}
