import { expect, test } from 'vitest';
import { backoffMs } from '../../src/pool/backoff.ts';
import type { Reason } from '../../src/pool/model.ts';
import { HOUR, MINUTE, SECOND } from '../support/clock.ts';
import { noChance } from '../support/random.ts';

test.each<{ reason: Reason; waits: readonly number[] }>([
  { reason: 'rate_limited', waits: [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 32 * SECOND, MINUTE, MINUTE] },
  { reason: 'billing', waits: [HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, 24 * HOUR, 24 * HOUR] },
  { reason: 'permission_denied', waits: [HOUR, 2 * HOUR] },
  { reason: 'invalid_credential', waits: [HOUR, 2 * HOUR] },
  { reason: 'operator', waits: [Number.POSITIVE_INFINITY] },
])('$reason waits longer with each strike, up to a longest, and asks no chance', ({ reason, waits }) => {
  expect(waits.map((_, n) => backoffMs(reason, n + 1, noChance))).toEqual(waits);
});

test.each<{ reason: Reason; strikes: number; least: number; most: number }>([
  { reason: 'overloaded', strikes: 1, least: SECOND, most: 1_500 },
  { reason: 'overloaded', strikes: 9, least: 8 * SECOND, most: 12 * SECOND },
  { reason: 'server_error', strikes: 1, least: 10 * SECOND, most: 11 * SECOND },
  { reason: 'no_response', strikes: 9, least: 5 * MINUTE, most: 330 * SECOND },
])('$reason after $strikes strikes adds a part by lot, so that not all return at once', ({ reason, strikes, least, most }) => {
  expect(backoffMs(reason, strikes, () => 0)).toBe(least);
  expect(backoffMs(reason, strikes, () => 1 - 2 ** -53)).toBe(most);
});

test('thousands of strikes overflow nothing', () => {
  expect(backoffMs('rate_limited', 5_000, noChance)).toBe(MINUTE);
});
