import { describe, expect, test } from 'vitest';
import { remainingAt } from '../../src/pool/meter.ts';
import type { Meter } from '../../src/pool/model.ts';
import { configuredMeter, observeAll, spend, windowOf } from '../../src/pool/observe.ts';
import type { Observation } from '../../src/pool/upstream.ts';
import { DAY, HOUR, MINUTE, SECOND, START } from '../support/clock.ts';
import { makeMeter, makeObservation } from '../support/make.ts';

/** An observation of a request that took a second, in milliseconds after START. */
const AT = { requestTime: START, responseTime: START + SECOND };
const later = (ms: number) => ({ requestTime: AT.requestTime + ms, responseTime: AT.responseTime + ms });

function observe(meters: readonly Meter[], observation: Partial<Observation>, at = AT): readonly Meter[] {
  return observeAll(meters, makeObservation(observation), at);
}

const CONFIGURED = configuredMeter({ dimension: 'requests', limit: 50, windowMs: MINUTE });

describe('which window a limit is counted over', () => {
  test.each<{ rule: string; observation: Partial<Observation>; windowMs: number | null }>([
    { rule: 'the documented one', observation: { windowMs: HOUR }, windowMs: HOUR },
    {
      rule: 'a day, where 3 of 200 are back in 20m52.666s',
      observation: { limit: 200, remaining: 197, resetInMs: 1_252_666, windowMs: null },
      windowMs: DAY,
    },
    {
      rule: 'a minute, where 1 of 5000 is back in 12ms',
      observation: { limit: 5_000, remaining: 4_999, resetInMs: 12, windowMs: null },
      windowMs: MINUTE,
    },
    {
      rule: 'an odd one, where it is near none that is in use',
      observation: { limit: 100, remaining: 50, resetInMs: 15 * MINUTE, windowMs: null },
      windowMs: 30 * MINUTE,
    },
    {
      rule: 'at most a month, where a reset in whole seconds makes it longer',
      observation: { limit: 1e9, remaining: 1e9 - 1, resetInMs: 60_000, windowMs: null },
      windowMs: 30 * DAY,
    },
    { rule: 'unknown, where nothing is missing', observation: { limit: 60, remaining: 60, resetInMs: 5, windowMs: null }, windowMs: null },
    { rule: 'unknown, where the reset is now', observation: { limit: 60, remaining: 1, resetInMs: 0, windowMs: null }, windowMs: null },
    { rule: 'unknown, where no reset is told', observation: { limit: 60, remaining: 1, resetInMs: null, windowMs: null }, windowMs: null },
    { rule: 'unknown, where no limit is told', observation: { limit: null, remaining: 1, resetInMs: 5, windowMs: null }, windowMs: null },
    {
      rule: 'unknown, where a fixed window began nobody knows when',
      observation: { limit: 60, remaining: 1, resetInMs: 5, windowMs: null, refill: 'fixed' },
      windowMs: null,
    },
  ])('$rule', ({ observation, windowMs }) => {
    expect(windowOf(makeObservation(observation))).toBe(windowMs);
  });
});

describe('which meter an observation is about', () => {
  test('a limit that nobody knew gets a meter', () => {
    const [meter, ...others] = observe([], { limit: 100, remaining: 40, resetInMs: 36_000 });
    expect(others).toEqual([]);
    expect(meter).toMatchObject({ source: 'learned', limit: 100, deficit: 60, resetTime: AT.responseTime + 36_000, windowMs: MINUTE });
  });

  test('a learnt limit replaces the configured one of about the same window', () => {
    const meters = observe([CONFIGURED], { limit: 100, remaining: 40 });
    expect(meters).toMatchObject([{ source: 'learned', limit: 100, deficit: 60 }]);
  });

  test.each([
    { rule: 'a day', windowMs: DAY },
    { rule: 'a second', windowMs: SECOND },
    { rule: 'two minutes', windowMs: 2 * MINUTE },
    { rule: 'half a minute', windowMs: MINUTE / 2 },
  ])('a configured limit over $rule stays beside a learnt one over a minute', ({ windowMs }) => {
    const configured = configuredMeter({ dimension: 'requests', limit: 50, windowMs });
    expect(observe([configured], { remaining: 40 })).toMatchObject([
      { source: 'configured', windowMs },
      { source: 'learned', windowMs: MINUTE },
    ]);
  });

  test('windows that headers name stand side by side, and each is learnt on its own', () => {
    const named = (windowMs: number, remaining: number) => ({ windowMs, windowNamed: true, limit: 100, remaining });
    const both = observe(observe([], named(MINUTE, 50)), named(DAY, 7));
    const again = observe(both, named(MINUTE, 20), later(SECOND));
    expect(again).toMatchObject([
      { namedWindowMs: MINUTE, deficit: 80 },
      { namedWindowMs: DAY, deficit: 93 },
    ]);
  });

  test('another dimension is another meter', () => {
    const meters = observe([makeMeter({ dimension: 'input_tokens' })], { dimension: 'requests', remaining: 1 });
    expect(meters.map(({ dimension }) => dimension)).toEqual(['input_tokens', 'requests']);
  });

  test('no more than 16 windows are kept, whatever headers name', () => {
    const windows = Array.from({ length: 40 }, (_, n) => (n + 1) * SECOND);
    const meters = windows.reduce<readonly Meter[]>((each, windowMs) => observe(each, { windowMs, windowNamed: true }), []);
    expect(meters).toHaveLength(16);
    expect(observe(meters, { windowMs: SECOND, windowNamed: true, remaining: 3 }, later(1))[0]).toMatchObject({ deficit: 57 });
  });
});

describe('what an observation leaves out', () => {
  test.each<{ rule: string; known: Partial<Meter>; observation: Partial<Observation>; expected: Partial<Meter> }>([
    {
      rule: 'without a limit the known one stays',
      known: { limit: 80 },
      observation: { limit: null, remaining: 20 },
      expected: { limit: 80, deficit: 60 },
    },
    {
      rule: 'a remaining above the known limit is at least the limit',
      known: { limit: 80 },
      observation: { limit: null, remaining: 90 },
      expected: { limit: 90, deficit: 0 },
    },
    {
      rule: 'without a remaining only the limit is learnt',
      known: { limit: 80, deficit: 30 },
      observation: { limit: 100, remaining: null },
      expected: { limit: 100, deficit: 30, observedRequestTime: null },
    },
    {
      rule: 'a limit of 0 is no limit that anyone could mean',
      known: { limit: 80, deficit: 30 },
      observation: { limit: 0, remaining: 0 },
      expected: { limit: 80, deficit: 30 },
    },
    {
      rule: 'a window that is not told stays as it was known',
      known: { windowMs: HOUR },
      observation: { windowMs: null, remaining: 60 },
      expected: { windowMs: HOUR, windowKnown: true },
    },
    {
      rule: 'a remaining above its limit means that nothing is missing',
      known: {},
      observation: { limit: 60, remaining: 61 },
      expected: { deficit: 0 },
    },
  ])('$rule', ({ known, observation, expected }) => {
    expect(observe([makeMeter(known)], observation)).toMatchObject([expected]);
  });

  test('without any limit a remaining is taken for one', () => {
    expect(observe([], { limit: null, remaining: 599 })).toMatchObject([{ limit: 599, deficit: 0 }]);
  });

  test('without limit and remaining nothing is learnt', () => {
    expect(observe([], { limit: null, remaining: null })).toEqual([]);
  });

  test('a minute is assumed where the window is neither told nor known', () => {
    expect(observe([], { windowMs: null, remaining: 10 })).toMatchObject([{ windowMs: MINUTE, windowKnown: false }]);
  });

  test('a limit alone does not say that it comes back all at once: it refills until a reset is told', () => {
    const [limit] = observe([], { limit: 60, remaining: null, refill: 'fixed' });
    const used = spend(limit!, { amount: 60, containedAfter: START, countedBy: START });
    expect(remainingAt(used, START + MINUTE / 2)).toBe(30);
  });
});

describe('resets that contradict themselves', () => {
  test.each<{ rule: string; observation: Partial<Observation>; after: number; remaining: number }>([
    {
      rule: 'empty and to be full now: it comes back over its window',
      observation: { remaining: 0, resetInMs: 0 },
      after: MINUTE / 2,
      remaining: 30,
    },
    {
      rule: 'empty without a reset: it comes back over its window',
      observation: { remaining: 0, resetInMs: null },
      after: MINUTE / 2,
      remaining: 30,
    },
    {
      rule: 'a fixed window that is empty and ends now: it ends one window later',
      observation: { remaining: 0, resetInMs: 0, refill: 'fixed' },
      after: MINUTE - 1,
      remaining: 0,
    },
    { rule: 'and then all is there', observation: { remaining: 0, resetInMs: 0, refill: 'fixed' }, after: MINUTE, remaining: 60 },
    { rule: 'full and to be full later: it is full', observation: { remaining: 60, resetInMs: MINUTE }, after: 0, remaining: 60 },
  ])('$rule', ({ observation, after, remaining }) => {
    const [meter] = observe([], observation);
    expect(remainingAt(meter!, AT.responseTime + after)).toBe(remaining);
  });

  test('what comes back is counted from the response on, not from the request', () => {
    const [meter] = observe([], { remaining: 0, resetInMs: MINUTE });
    expect(remainingAt(meter!, AT.responseTime)).toBe(0);
    expect(remainingAt(meter!, AT.responseTime + SECOND)).toBeCloseTo(1, 6);
  });
});

describe('reports that come late', () => {
  const known = () => observe([], { remaining: 30, resetInMs: 30 * SECOND }, later(10 * SECOND));

  test.each([
    { rule: 'sent and answered before the newest', at: AT },
    { rule: 'sent before the newest and answered after it', at: { requestTime: START, responseTime: START + MINUTE } },
    { rule: 'sent after the newest and answered before it', at: { requestTime: START + 10_500, responseTime: START + 10_900 } },
    { rule: 'sent and answered in the same milliseconds as the newest', at: later(10 * SECOND) },
  ])('never raise what is known, when $rule', ({ at }) => {
    const now = Math.max(at.responseTime, START + 11 * SECOND);
    const [before] = known();
    const [after] = observe(known(), { remaining: 60, resetInMs: 0 }, at);
    expect(remainingAt(after!, now)).toBe(remainingAt(before!, now));
  });

  test('lower what is known where they say less', () => {
    const [meter] = observe(known(), { remaining: 0, resetInMs: 60 * SECOND }, later(9 * SECOND));
    expect(remainingAt(meter!, START + 11 * SECOND)).toBeCloseTo(1, 6);
  });

  test('do not move the newest observation', () => {
    const [meter] = observe(known(), { remaining: 0 });
    expect(meter).toMatchObject({ observedRequestTime: START + 10 * SECOND, observedResponseTime: START + 11 * SECOND });
  });

  test('do not bring back a limit that has changed since', () => {
    const changed = observe(known(), { limit: 40, remaining: 40 }, later(20 * SECOND));
    expect(observe(changed, { limit: 60, remaining: 60 })).toMatchObject([{ limit: 40 }]);
  });

  test('are worth what is left of them: a window that has ended since is over', () => {
    const fixed = { refill: 'fixed', limit: 60, windowMs: MINUTE } as const;
    const newest = observe([], { ...fixed, remaining: 59, resetInMs: 50 * SECOND }, later(10 * SECOND));
    const [meter] = observe(newest, { ...fixed, remaining: 0, resetInMs: 2 * SECOND });
    expect(remainingAt(meter!, START + 11 * SECOND)).toBe(59);
  });

  test('say nothing where they have no remaining', () => {
    expect(observe(known(), { limit: 10, remaining: null })).toEqual(known());
  });
});
