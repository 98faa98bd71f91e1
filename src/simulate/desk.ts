import type { Lease } from '../pool/model.ts';
import type { RetryAdvice } from '../pool/retry.ts';
import type { Headers, Millis } from '../pool/upstream.ts';
import type { Call } from './scenario.ts';

/** What a client is answered who asks for a key. */
export type DeskAnswer =
  | { readonly kind: 'granted'; readonly grant: Grant }
  /** `retryTime`: when to ask again; null: nobody knows. */
  | { readonly kind: 'refused'; readonly retryTime: Millis | null };

/** A key to call with; the lease is null where the desk keeps none. */
export interface Grant {
  readonly keyId: string;
  readonly lease: Lease | null;
}

/** What a client reports of one response. */
export interface DeskReport {
  readonly grant: Grant;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly used: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly requestTime: Millis;
  readonly responseTime: Millis;
  readonly inProgress: boolean;
}

/** Who hands out keys: keylease, or what it is compared with. */
export interface Desk {
  /** Answers at once or, where the call waits in line, later; once. */
  acquire(call: Call, excluded: ReadonlySet<string>, waitMaxMs: number, answer: (answer: DeskAnswer) => void): void;
  report(report: DeskReport): RetryAdvice;
  /** How many keys are in which state. */
  states(): ReadonlyMap<string, number>;
  /** Which keys are passed over at the moment. */
  passedOver(): ReadonlySet<string>;
}
