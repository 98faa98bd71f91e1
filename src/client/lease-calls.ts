import { type LeaseCall, type LeaseReply, LeaseStreamRequest } from '../generated/keylease/v1/key_lease_service.ts';
import type { Service } from './connection.ts';

export type Call = NonNullable<LeaseCall['call']>;
export type Reply = NonNullable<LeaseReply['reply']>;

/** One call on its way. It is answered, or given up: null. */
interface Entry {
  readonly id: number;
  readonly call: Call;
  readonly bytes: number;
  /** Whether it may be sent again where it is not known what became of it. */
  readonly repeatable: boolean;
  readonly answer: (reply: Reply | null) => void;
}

export interface LeaseCallsOptions {
  /** Calls that wait at most. */
  readonly callsMax: number;
  /** Draws from [0, 1). */
  readonly random: () => number;
}

/** The server reads at most 64 KiB a message, and answers at most 4096 calls at a time. */
const MESSAGE_BYTES_MAX = 48 * 1_024;
const UNANSWERED_MAX = 2_000;

const BACKOFF_MS = { first: 50, longest: 2_000 };
/** An open stream keeps a program alive, so one without work is closed. */
const IDLE_MS = 500;

const UNAVAILABLE = 14;

/**
 * Calls that need not be waited for, batched over one `LeaseStream` that is reopened when it breaks. A call stays until the server has
 * answered it; beyond the bound the oldest are given up.
 */
export class LeaseCalls {
  readonly #service: Service;
  readonly #options: LeaseCallsOptions;
  #waiting: Entry[] = [];
  readonly #sent = new Map<number, Entry>();
  #ids = 0;
  #stream: OpenStream | null = null;
  #isScheduled = false;
  #failures = 0;
  #backoff: NodeJS.Timeout | null = null;
  #idle: NodeJS.Timeout | null = null;
  #isClosed = false;
  #onEmpty: (() => void)[] = [];

  constructor(service: Service, options: LeaseCallsOptions) {
    this.#service = service;
    this.#options = options;
  }

  /** Calls without an answer. */
  get size(): number {
    return this.#waiting.length + this.#sent.size;
  }

  /** Answers what the server answered; null: the call was given up. Never throws. */
  send(call: Call, repeatable = true): Promise<Reply | null> {
    return new Promise((answer) => {
      if (this.#isClosed) return answer(null);
      this.#ids += 1;
      const bytes = LeaseStreamRequest.encode({ calls: [{ id: this.#ids, call }] }).finish().length;
      this.#waiting.push({ id: this.#ids, call, bytes, repeatable, answer });
      while (this.#waiting.length > this.#options.callsMax) this.#waiting.shift()!.answer(null);
      this.#schedule();
    });
  }

  /** Waits until everything is answered, but not longer than so. Then gives up the rest. */
  async close(boundMs: number): Promise<void> {
    if (this.size > 0 && !this.#isClosed) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        new Promise<void>((resolve) => this.#onEmpty.push(resolve)),
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, boundMs);
        }),
      ]);
      clearTimeout(timer);
    }
    this.#isClosed = true;
    for (const timer of [this.#backoff, this.#idle]) clearTimeout(timer ?? undefined);
    for (const entry of [...this.#waiting.splice(0), ...this.#sent.values()]) entry.answer(null);
    this.#sent.clear();
    this.#stream?.abort();
  }

  /** Whatever is asked for in one turn of the event loop goes in one message. */
  #schedule(): void {
    if (this.#isScheduled || this.#backoff !== null) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isClosed || this.#backoff !== null || this.#waiting.length === 0) return;
    clearTimeout(this.#idle ?? undefined);
    this.#idle = null;
    this.#stream ??= this.#open();
    const stream = this.#stream;
    while (this.#waiting.length > 0 && this.#sent.size < UNANSWERED_MAX) stream.write(this.#nextMessage());
  }

  #nextMessage(): LeaseStreamRequest {
    let [count, bytes] = [0, 0];
    while (count < this.#waiting.length && this.#sent.size + count < UNANSWERED_MAX) {
      bytes += this.#waiting[count]!.bytes;
      if (count > 0 && bytes > MESSAGE_BYTES_MAX) break;
      count += 1;
    }
    const entries = this.#waiting.splice(0, count);
    for (const entry of entries) this.#sent.set(entry.id, entry);
    return { calls: entries.map(({ id, call }) => ({ id, call })) };
  }

  #open(): OpenStream {
    const stream = new OpenStream();
    void this.#follow(stream);
    return stream;
  }

  async #follow(stream: OpenStream): Promise<void> {
    try {
      for await (const { replies } of this.#service.leaseStream(stream.messages(), { signal: stream.signal })) {
        this.#failures = 0;
        for (const reply of replies) this.#answered(reply);
        this.#afterReplies();
      }
    } catch {
      // Whatever ended it, the calls without an answer are sent again.
    }
    // One that was ended for being idle is no longer the one in use.
    if (this.#stream !== stream) return;
    this.#stream = null;
    if (!this.#isClosed) this.#reopen();
  }

  #answered({ id, reply }: LeaseReply): void {
    const entry = this.#sent.get(id);
    if (entry === undefined) return;
    this.#sent.delete(id);
    if (reply?.$case === 'error' && reply.value.code === UNAVAILABLE && entry.repeatable) {
      this.#waiting.push(entry);
      this.#failures += 1;
    } else {
      entry.answer(reply ?? null);
    }
  }

  #afterReplies(): void {
    if (this.#failures > 0) this.#backOff();
    else if (this.#waiting.length > 0) this.#schedule();
    if (this.size > 0) return;
    for (const resolve of this.#onEmpty.splice(0)) resolve();
    this.#idle ??= setTimeout(() => {
      this.#idle = null;
      if (this.size > 0) return;
      this.#stream?.end();
      this.#stream = null;
    }, IDLE_MS);
  }

  /** What had no answer goes again, in its order; what must not be repeated is given up. */
  #reopen(): void {
    const unanswered = [...this.#sent.values()].sort((a, b) => a.id - b.id);
    this.#sent.clear();
    for (const entry of unanswered) if (!entry.repeatable) entry.answer(null);
    this.#waiting = [...unanswered.filter(({ repeatable }) => repeatable), ...this.#waiting];
    if (this.#waiting.length === 0) return;
    this.#failures += 1;
    this.#backOff();
  }

  #backOff(): void {
    if (this.#backoff !== null) return;
    const { first, longest } = BACKOFF_MS;
    const ms = Math.min(longest, first * 2 ** Math.min(10, this.#failures - 1)) * (0.5 + this.#options.random() / 2);
    this.#backoff = setTimeout(() => {
      this.#backoff = null;
      this.#schedule();
    }, ms);
    // Reports to a server that is away do not keep a program from ending.
    this.#backoff.unref();
  }
}

/** The messages of one stream, as they come. */
class OpenStream {
  readonly #abort = new AbortController();
  readonly #messages: LeaseStreamRequest[] = [];
  #isEnded = false;
  #wake: () => void = () => {};

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  write(message: LeaseStreamRequest): void {
    this.#messages.push(message);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  abort(): void {
    this.#abort.abort();
    this.end();
  }

  async *messages(): AsyncGenerator<LeaseStreamRequest> {
    while (!this.#isEnded || this.#messages.length > 0) {
      const next = this.#messages.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
