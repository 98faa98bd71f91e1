import type { Millis, Refill } from '../pool/upstream.ts';

export interface AllowanceSettings {
  readonly limit: number;
  readonly windowMs: number;
  readonly refill: Refill;
  /** How full it is at the start, 0 to 1. */
  readonly fill: number;
}

/**
 * One limit of one organization as the provider itself keeps it. What is counted at the start of a call is taken at once, what is
 * counted as it goes drains at a rate; so the level may fall below zero, a debt that the refill pays first.
 */
export class Allowance {
  readonly limit: number;
  readonly windowMs: number;
  readonly refill: Refill;
  /** Everything that was taken and drained so far. */
  used = 0;
  #level: number;
  #at: Millis;
  #drainPerMs = 0;

  constructor({ limit, windowMs, refill, fill }: AllowanceSettings, now: Millis) {
    this.limit = limit;
    this.windowMs = windowMs;
    this.refill = refill;
    this.#level = limit * fill;
    this.#at = now;
  }

  /** What is left at a time that is not before the last one. */
  level(now: Millis): number {
    this.#advance(now);
    return this.#level;
  }

  take(amount: number, now: Millis): void {
    this.#advance(now);
    this.#level -= amount;
    this.used += amount;
  }

  /** From now on this much more (or, negative, less) is used in every millisecond. */
  drain(perMs: number, now: Millis): void {
    this.#advance(now);
    this.#drainPerMs = Math.max(0, this.#drainPerMs + perMs);
  }

  /** Milliseconds until an amount is there, if nothing more is used; infinite: it never fits. */
  waitFor(amount: number, now: Millis): number {
    const missing = amount - this.level(now);
    if (missing <= 0) return 0;
    if (amount > this.limit) return Number.POSITIVE_INFINITY;
    return this.refill === 'fixed' ? this.#nextWindow(now) - now : (missing * this.windowMs) / this.limit;
  }

  /** Milliseconds until it is full (continuous) or starts anew (fixed). */
  resetIn(now: Millis): number {
    return this.refill === 'fixed' ? this.#nextWindow(now) - now : this.waitFor(this.limit, now);
  }

  #nextWindow(now: Millis): Millis {
    return (Math.floor(now / this.windowMs) + 1) * this.windowMs;
  }

  #advance(now: Millis): void {
    const passed = now - this.#at;
    if (passed <= 0) return;
    this.used += passed * this.#drainPerMs;
    const windowStart = Math.floor(now / this.windowMs) * this.windowMs;
    if (this.refill === 'continuous') {
      this.#level = Math.min(this.limit, this.#level + passed * (this.limit / this.windowMs - this.#drainPerMs));
    } else if (windowStart > this.#at) {
      this.#level = this.limit - (now - windowStart) * this.#drainPerMs;
    } else {
      this.#level -= passed * this.#drainPerMs;
    }
    this.#at = now;
  }
}
