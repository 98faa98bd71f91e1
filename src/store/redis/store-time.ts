import type { Millis } from '../../pool/upstream.ts';

/** The store's time as a replica tells it. */
export interface StoreTime {
  now(): Millis;
  /** The store told its time in an answer that arrived at this moment, or at another one that `monotonic` gave. */
  hear(time: Millis): void;
  /** How far a replica may be off before the store refuses what it decided; -1: any. */
  readonly toleranceMs: number;
}

/** A replica that was stopped, or whose machine slept, decides anew when its time turns out to be off by more. */
const TOLERANCE_MS = 1_000;

/** How long one answer that came back fast is better evidence than newer, slower ones; bounds what two clocks drift apart. */
const SPAN_MS = 10_000;

/**
 * Anchored on what the store tells, never on the wall clock of the replica's machine, and monotonic: between two answers only the
 * monotonic clock moves it. An answer is old by its way here, so the one that says most is the one that was quickest.
 */
export function storeTime(monotonic: () => number = () => performance.now()): StoreTime {
  let [offset, earlierOffset, spanStart] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, monotonic()];
  let newest = 0;
  return {
    toleranceMs: TOLERANCE_MS,
    now() {
      const told = Math.floor(Math.max(offset, earlierOffset) + monotonic());
      newest = Math.max(newest, told);
      return newest;
    },
    hear(time) {
      const at = monotonic();
      if (at - spanStart > SPAN_MS) [earlierOffset, offset, spanStart] = [offset, Number.NEGATIVE_INFINITY, at];
      offset = Math.max(offset, time - at);
    },
  };
}
