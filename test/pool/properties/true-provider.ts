import type { Dimension, Millis, Observation } from '../../../src/pool/upstream.ts';
import { MINUTE } from '../../support/clock.ts';

/** A provider's own token bucket, or its fixed windows: written apart from the pool's meters, and counted in steps of time alone. */
export class TrueLimit {
  readonly limit: number;
  readonly refill: 'continuous' | 'fixed';
  #level: number;
  #at: Millis;
  /** The least that was ever left. Below 0 more was used than the limit allowed. */
  lowest: number;
  used = 0;

  constructor(limit: number, refill: 'continuous' | 'fixed', start: Millis) {
    this.limit = limit;
    this.refill = refill;
    this.#level = limit;
    this.#at = start;
    this.lowest = limit;
  }

  take(now: Millis, amount: number): void {
    this.#passTo(now);
    this.#level -= amount;
    this.used += amount;
    this.lowest = Math.min(this.lowest, this.#level);
  }

  /** What a header would say now: whole units left, and whole milliseconds until all is back. */
  observe(now: Millis, dimension: Dimension): Observation {
    this.#passTo(now);
    const untilFull = Math.ceil(((this.limit - this.#level) * MINUTE) / this.limit);
    const untilEnd = MINUTE - (now % MINUTE);
    return {
      dimension,
      limit: this.limit,
      remaining: Math.max(0, Math.floor(this.#level)),
      resetInMs: this.refill === 'fixed' ? untilEnd : untilFull,
      windowMs: MINUTE,
      windowNamed: false,
      refill: this.refill,
    };
  }

  #passTo(now: Millis): void {
    if (this.refill === 'continuous') this.#level = Math.min(this.limit, this.#level + ((now - this.#at) * this.limit) / MINUTE);
    else if (Math.floor(now / MINUTE) > Math.floor(this.#at / MINUTE)) this.#level = this.limit;
    this.#at = now;
  }
}
