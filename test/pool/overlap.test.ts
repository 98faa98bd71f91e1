import { describe, expect, test } from 'vitest';
import { remainingAt } from '../../src/pool/meter.ts';
import type { Lease } from '../../src/pool/model.ts';
import type { Millis } from '../../src/pool/upstream.ts';
import { DAY, MINUTE, START } from '../support/clock.ts';
import { aMinute, makeObservation } from '../support/make.ts';
import { seededRandom } from '../support/random.ts';
import { World } from '../support/world.ts';
import { TrueLimit } from './properties/true-provider.ts';

const LIMIT = 48;
const GRANT = START - (START % MINUTE);
const REFILL_MS = MINUTE / LIMIT;

/** Calls that were granted at one moment and answered within a tenth of a second, in another order than they arrived in. */
function burst(calls: number, seed: number, isStreamed: boolean): { world: World; left: number } {
  const world = new World({ keys: [{ id: 'a', limits: aMinute({ requests: LIMIT }) }] }, GRANT);
  const provider = new TrueLimit(LIMIT, 'continuous', GRANT);
  const random = seededRandom(seed);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const served = Array.from({ length: calls }, () => ({ lease: world.lease(), sent: GRANT + upTo(5) }))
    .map((call) => ({ ...call, arrival: call.sent + upTo(20), answered: GRANT + 30 + upTo(70) }))
    .sort((a, b) => a.arrival - b.arrival)
    .map((call) => {
      provider.take(call.arrival, 1);
      return { ...call, observation: provider.observe(call.arrival, 'requests') };
    });
  for (const { lease, sent, answered, observation } of served.sort((a, b) => a.answered - b.answered)) {
    world.now = answered;
    world.report(lease, { observations: [observation], requestTime: sent, responseTime: answered, inProgress: isStreamed });
  }
  world.now = GRANT + 100;
  return { world, left: provider.observe(world.now, 'requests').remaining! };
}

/** How many leases are granted until one is refused. */
function granted(world: World): number {
  let count = 0;
  while (world.ask().kind === 'granted') count += 1;
  return count;
}

describe.each([
  { how: 'are over', isStreamed: false },
  { how: 'still run', isStreamed: true },
])('after a burst of calls that $how', ({ isStreamed }) => {
  const seeds = [1, 2, 3, 4, 5];

  test.each([1, 12, 24, 47])(
    'what the provider has left after %d is granted, but for one at most that has come back, and no more',
    (calls) => {
      for (const seed of seeds) {
        const { world, left } = burst(calls, seed, isStreamed);
        expect([left - 1, left]).toContain(granted(world));
      }
    },
  );

  test('that used everything the next fits when one has come back', () => {
    for (const seed of seeds) {
      const { world } = burst(LIMIT, seed, isStreamed);
      world.now = GRANT + 100 + 2 * REFILL_MS;
      expect(world.ask().kind).toBe('granted');
    }
  });
});

describe('of calls that overlap, counted in an order that nobody knows', () => {
  /** Sent at a time after START, and told what is left at another. */
  interface Call {
    readonly sent: Millis;
    readonly answered: Millis;
    /** undefined: the response told nothing. */
    readonly remaining?: number;
  }

  function remainingAfter(calls: readonly Call[]): number {
    const world = new World({ keys: [{ id: 'a', limits: [{ dimension: 'requests', limit: 600, windowMs: DAY }] }] });
    const leases = calls.map((call): [Lease, Call] => [world.lease(), call]);
    for (const [lease, { sent, answered, remaining }] of leases) {
      world.now = Math.max(world.now, START + answered);
      const observations = remaining === undefined ? [] : [makeObservation({ limit: 600, remaining, windowMs: DAY })];
      world.report(lease, { observations, requestTime: START + sent, responseTime: START + answered });
    }
    return Math.round(remainingAt(world.meters()[0]!, world.now));
  }

  test.each<{ rule: string; calls: readonly Call[]; left: number }>([
    {
      rule: 'the one that was told least was counted last, in whatever order they are answered',
      calls: [
        { sent: 50, answered: 80, remaining: 57 },
        { sent: 60, answered: 90, remaining: 59 },
        { sent: 70, answered: 100, remaining: 58 },
      ],
      left: 57,
    },
    {
      rule: 'one that was sent well before another was counted before it',
      calls: [
        { sent: 0, answered: 500, remaining: 30 },
        { sent: 400, answered: 510, remaining: 40 },
      ],
      left: 40,
    },
    {
      rule: 'one that was told nothing is counted on top of all others',
      calls: [
        { sent: 50, answered: 80 },
        { sent: 60, answered: 90, remaining: 57 },
        { sent: 70, answered: 100, remaining: 58 },
      ],
      left: 56,
    },
    {
      rule: 'one that was told nothing is counted on top of one whose report comes late and says least',
      calls: [
        { sent: 50, answered: 80 },
        { sent: 60, answered: 100, remaining: 58 },
        { sent: 55, answered: 90, remaining: 57 },
      ],
      left: 56,
    },
    {
      rule: 'more than are remembered one by one are not forgotten',
      calls: Array.from({ length: 180 }, (_, n) => ({ sent: n / 2, answered: 100 + n, remaining: n === 0 ? 10 : 500 })),
      left: 10,
    },
  ])('$rule', ({ calls, left }) => {
    expect(remainingAfter(calls)).toBe(left);
  });
});
