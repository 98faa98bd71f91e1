import type { AcquireOutcome, AcquireRequest } from '../pool/acquire.ts';
import type { Waiter } from '../pool/level.ts';
import type { Millis } from '../pool/upstream.ts';
import type { Problem } from './problem.ts';

/** What became of a call that waited. */
export interface Waited {
  readonly result: AcquireOutcome | Problem;
  readonly now: Millis;
  readonly waitedMs: number;
}

/** What is known of a call that waits, besides what it asks for. */
export interface Patience {
  readonly maxWaitMs: number;
  /** Until the call's own deadline; infinite: it has none. */
  readonly deadlineMs: number;
  readonly cancelled: () => boolean;
  /** How many calls of the holder may be in line; left out: as many as the pool lets. */
  readonly holderWaitersMax?: number | null;
  /** Calls back when nobody waits for the answer any more, unless that is so already; answers a function that ends this. */
  readonly onCancel: (listener: () => void) => () => void;
}

/** One who waits, with what it asks for. */
export interface WaitingCall extends Waiter {
  readonly request: AcquireRequest;
  readonly answer: (result: AcquireOutcome | Problem) => void;
  /** A fault, or the store is lost: nobody can say what becomes of the call. */
  readonly fail: (fault: unknown) => void;
  /** What it is answered with if the lease that is being stored for it comes to nothing; undefined: it goes on waiting. */
  farewell: AcquireOutcome | Problem | undefined;
}
