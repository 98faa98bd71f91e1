import { expect, test } from 'vitest';
import { retryAdvice } from '../../src/pool/retry.ts';
import type { Verdict } from '../../src/pool/upstream.ts';
import { SECOND, START } from '../support/clock.ts';
import { makeJudgement } from '../support/make.ts';

test.each<[Verdict, string]>([
  ['ok', 'none'],
  ['rate_limited', 'other_key'],
  ['overloaded', 'after_delay'],
  ['invalid_credential', 'other_key'],
  ['billing', 'other_key'],
  ['forbidden', 'other_key'],
  ['environment', 'do_not_retry'],
  ['client_error', 'do_not_retry'],
  ['server_error', 'other_key'],
  ['no_response', 'other_key'],
])('a call that ended with %s had better do: %s', (verdict, action) => {
  expect(retryAdvice(makeJudgement({ verdict }), null, START)).toEqual({ action, delayMs: null });
});

test.each([
  { rule: 'is what is left of it', until: START + SECOND, delayMs: SECOND },
  { rule: 'is nothing where it is over', until: START - SECOND, delayMs: 0 },
])('the delay until an overload is over $rule', ({ until, delayMs }) => {
  expect(retryAdvice(makeJudgement({ verdict: 'overloaded' }), until, START).delayMs).toBe(delayMs);
});

test('with another key there is no delay', () => {
  expect(retryAdvice(makeJudgement({ verdict: 'rate_limited' }), START + SECOND, START).delayMs).toBeNull();
});
