import TinyQueue from 'tinyqueue';
import type { Millis } from '../pool/upstream.ts';

interface Event {
  readonly time: Millis;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: whole milliseconds that pass only from one event to the next. Events of one moment run in the order in which they were planned. */
export class EventQueue {
  now: Millis;
  #planned = 0;
  readonly #queue = new TinyQueue<Event>([], (a, b) => a.time - b.time || a.order - b.order);

  constructor(start: Millis) {
    this.now = start;
  }

  /** Plans an event; one in the past happens now. */
  at(time: Millis, run: () => void): void {
    this.#planned += 1;
    this.#queue.push({ time: Math.max(this.now, Math.ceil(time)), order: this.#planned, run });
  }

  /** Runs every event up to and including a moment, at which it stops. */
  runUntil(end: Millis): void {
    for (let next = this.#queue.peek(); next !== undefined && next.time <= end; next = this.#queue.peek()) {
      this.#queue.pop();
      this.now = next.time;
      next.run();
    }
    this.now = end;
  }
}
