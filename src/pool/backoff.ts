import type { Reason } from './model.ts';

/** How long something is passed over where neither the provider nor a person said: doubling from the first to the longest. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
  /** Up to this share is added by lot, so that those who wait do not return at once. */
  readonly jitter: number;
  readonly kind: 'cooldown' | 'unhealthy';
  readonly after: 'free' | 'probation';
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Rate limits are short and end by themselves; dead credentials and empty accounts are looked at again now and then, by one lease at a time. */
export const BACKOFFS: Readonly<Record<Reason, Backoff>> = {
  rate_limited: { firstMs: SECOND, longestMs: MINUTE, jitter: 0, kind: 'cooldown', after: 'free' },
  overloaded: { firstMs: SECOND, longestMs: 8 * SECOND, jitter: 0.5, kind: 'cooldown', after: 'free' },
  server_error: { firstMs: 10 * SECOND, longestMs: 5 * MINUTE, jitter: 0.1, kind: 'cooldown', after: 'probation' },
  no_response: { firstMs: 10 * SECOND, longestMs: 5 * MINUTE, jitter: 0.1, kind: 'cooldown', after: 'probation' },
  permission_denied: { firstMs: HOUR, longestMs: 24 * HOUR, jitter: 0, kind: 'unhealthy', after: 'probation' },
  billing: { firstMs: HOUR, longestMs: 24 * HOUR, jitter: 0, kind: 'unhealthy', after: 'probation' },
  invalid_credential: { firstMs: HOUR, longestMs: 24 * HOUR, jitter: 0, kind: 'unhealthy', after: 'probation' },
  operator: { firstMs: Number.POSITIVE_INFINITY, longestMs: Number.POSITIVE_INFINITY, jitter: 0, kind: 'unhealthy', after: 'free' },
};

/** The wait after so many strikes in a row; infinite where only a person ends it. */
export function backoffMs(reason: Reason, strikes: number, random: () => number): number {
  const { firstMs, longestMs, jitter } = BACKOFFS[reason];
  const doubled = Math.min(longestMs, firstMs * 2 ** Math.min(strikes - 1, 30));
  return jitter === 0 ? doubled : Math.ceil(doubled * (1 + jitter * random()));
}
