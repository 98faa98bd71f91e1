import type { Judgement, Millis, Verdict } from './upstream.ts';

/** What the caller had better do about the call that it reported. */
export interface RetryAdvice {
  readonly action: 'none' | 'other_key' | 'after_delay' | 'do_not_retry';
  /** null: no wait. */
  readonly delayMs: number | null;
}

const ACTIONS: Readonly<Record<Verdict, RetryAdvice['action']>> = {
  ok: 'none',
  rate_limited: 'other_key',
  overloaded: 'after_delay',
  invalid_credential: 'other_key',
  billing: 'other_key',
  forbidden: 'other_key',
  environment: 'do_not_retry',
  client_error: 'do_not_retry',
  server_error: 'other_key',
  no_response: 'other_key',
};

/** The advice for a verdict; `until` is when what it passes over is considered again. */
export function retryAdvice(judgement: Judgement, until: Millis | null, now: Millis): RetryAdvice {
  const action = ACTIONS[judgement.verdict];
  return { action, delayMs: action === 'after_delay' && until !== null ? Math.max(0, until - now) : null };
}
