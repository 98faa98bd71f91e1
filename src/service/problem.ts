import type { HolderLimited } from '../pool/acquire.ts';
import type { Refusal } from '../pool/refusal.ts';
import type { Millis } from '../pool/upstream.ts';

/** One field of a request that cannot be used. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** Why a call is not answered as asked: an answer of its own, not a fault. */
export type Problem =
  | Refusal
  | { readonly kind: 'not_found'; readonly resource: 'pool' | 'key' | 'lease'; readonly name: string }
  | { readonly kind: 'invalid'; readonly violations: readonly FieldViolation[] }
  | { readonly kind: 'request_id_reused' }
  | { readonly kind: 'too_many_calls' }
  | { readonly kind: 'message_late'; readonly afterMs: Millis }
  | { readonly kind: 'too_many_waiters'; readonly retryTime: Millis | null }
  | HolderLimited
  /** Nobody knows who calls. The text says why, and never what was shown. */
  | { readonly kind: 'unauthenticated'; readonly why: string }
  | { readonly kind: 'forbidden'; readonly what: Forbidden }
  | { readonly kind: 'unavailable'; readonly why: 'store_lost' | 'audit_lost' | 'draining' | 'contended' }
  | { readonly kind: 'config_mistakes'; readonly mistakes: readonly string[] }
  | { readonly kind: 'cancelled' };

/** What a holder may not do, whether there is such a pool or not. */
export type Forbidden =
  | { readonly verb: string; readonly pool: string }
  | { readonly verb: string; readonly on: 'any pool' | 'every pool' }
  | { readonly priority: number; readonly priorityMax: number };

/** What a use case answers: the value, or the problem. `now` is the store's time of the decision. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly now: Millis }
  | { readonly ok: false; readonly problem: Problem; readonly now: Millis };

export function answered<T>(value: T, now: Millis): Answer<T> {
  return { ok: true, value, now };
}

export function refused<T>(problem: Problem, now: Millis): Answer<T> {
  return { ok: false, problem, now };
}

export function notFound<T>(resource: 'pool' | 'key' | 'lease', name: string, now: Millis): Answer<T> {
  return refused({ kind: 'not_found', resource, name }, now);
}
