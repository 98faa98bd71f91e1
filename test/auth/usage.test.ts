import { expect, test } from 'vitest';
import type { Caps, Grant } from '../../src/auth/policy.ts';
import { Usages } from '../../src/auth/usage.ts';

const NONE: Caps = { leasesMax: null, waitersMax: null, requestsPerSecond: null, burst: 1, inFlightMax: null, priorityMax: null };

const leaveOf = (entered: ReturnType<Usages['enter']>): (() => void) => ('leave' in entered ? entered.leave : () => {});

/** Enters at each time, leaving at once; when it was let in 'in', else when to come back. */
function entries(caps: Partial<Caps>, times: readonly number[]): (number | 'in')[] {
  const usages = new Usages();
  const grant: Grant = { holders: ['**'], pools: ['**'], verbs: ['acquire'], caps: { ...NONE, ...caps } };
  return times.map((time) => {
    const entered = usages.enter(grant, 'g', 'h', time);
    if (entered.over !== undefined) return entered.over.retryTime;
    entered.leave();
    return 'in';
  });
}

test.each([
  ['ten a second, one at a time', { requestsPerSecond: 10, burst: 1 }, [0, 50, 99, 100, 150], ['in', 100, 100, 'in', 200]],
  [
    'a burst of three, then one each 100 ms',
    { requestsPerSecond: 10, burst: 3 },
    [0, 0, 0, 0, 100, 100],
    ['in', 'in', 'in', 100, 'in', 200],
  ],
  ['a long pause fills the bucket and no more', { requestsPerSecond: 10, burst: 2 }, [0, 9_000, 9_000, 9_000], ['in', 'in', 'in', 9_100]],
  ['a clock that steps back lets nobody in twice', { requestsPerSecond: 1, burst: 1 }, [1_000, 500, 2_000], ['in', 2_000, 'in']],
  ['no bound', {}, [0, 0, 0], ['in', 'in', 'in']],
])('%s', (_, caps, times, expected) => {
  expect(entries(caps, times)).toEqual(expected);
});

test('the moment that a refusal names is one at which the call is let in', () => {
  const [, , retry] = entries({ requestsPerSecond: 3, burst: 2 }, [0, 0, 0]);
  expect(retry).toBe(334);
  expect(entries({ requestsPerSecond: 3, burst: 2 }, [0, 0, 333, 334])).toEqual(['in', 'in', 334, 'in']);
});

test('calls under way are counted for each holder and grant, and counted out', () => {
  const usages = new Usages();
  const grant: Grant = { holders: ['**'], pools: ['**'], verbs: ['acquire'], caps: { ...NONE, inFlightMax: 1 } };
  const first = usages.enter(grant, 'g', 'h', 0);
  expect(usages.enter(grant, 'g', 'h', 0).over).toEqual({ cap: 'max_in_flight', limit: 1, retryTime: 1_000 });
  expect(usages.enter(grant, 'g', 'other', 0).over).toBeUndefined();
  expect(usages.enter(grant, 'gh', '', 0).over).toBeUndefined();
  leaveOf(first)();
  expect(usages.enter(grant, 'g', 'h', 0).over).toBeUndefined();
});

test('holders that use nothing are forgotten, those that use something are not', () => {
  const usages = new Usages();
  const grant: Grant = { holders: ['**'], pools: ['**'], verbs: ['acquire'], caps: { ...NONE, inFlightMax: 1 } };
  usages.enter(grant, 'g', 'busy', 0);
  for (let each = 0; each < 10_100; each += 1) {
    const entered = usages.enter(grant, 'g', `idle-${each}`, 0);
    leaveOf(entered)();
  }
  expect(usages.size).toBeLessThanOrEqual(10_000);
  expect(usages.enter(grant, 'g', 'busy', 0).over).toMatchObject({ cap: 'max_in_flight' });
});
