import { describe, expect, test } from 'vitest';
import type { Meter } from '../../src/pool/model.ts';
import { capacityScore, headroom } from '../../src/pool/score.ts';
import type { Dimension } from '../../src/pool/upstream.ts';
import { DAY, MINUTE, START } from '../support/clock.ts';
import { makeMeter } from '../support/make.ts';
import { World } from '../support/world.ts';

const left = (dimension: Dimension, remaining: number, limit: number, meter: Partial<Meter> = {}) =>
  makeMeter({ dimension, limit, deficit: limit - remaining, ...meter });

describe('the capacity score', () => {
  test.each<{ rule: string; meters: readonly Meter[]; score: number }>([
    { rule: 'a key of which nothing is known scores 1', meters: [], score: 1 },
    { rule: 'a full key scores 1', meters: [left('requests', 50, 50), left('input_tokens', 9, 9)], score: 1 },
    { rule: 'requests and tokens count half each', meters: [left('requests', 0, 50), left('input_tokens', 100, 100)], score: 0.5 },
    { rule: 'unknown requests count as full', meters: [left('input_tokens', 0, 100)], score: 0.5 },
    { rule: 'unknown tokens count as full', meters: [left('requests', 10, 40)], score: 0.625 },
    {
      rule: 'input and output count by their sums',
      meters: [left('requests', 4, 4), left('input_tokens', 0, 300), left('output_tokens', 100, 100)],
      score: 0.625,
    },
    {
      rule: 'a sum that the provider limits counts where it is tighter',
      meters: [left('tokens', 10, 100), left('input_tokens', 90, 100)],
      score: 0.55,
    },
    { rule: 'and not where it is not', meters: [left('tokens', 90, 100), left('input_tokens', 10, 100)], score: 0.55 },
    { rule: 'a sum alone is the token score', meters: [left('tokens', 50, 100)], score: 0.75 },
    {
      rule: 'of several windows the tightest counts',
      meters: [left('requests', 60, 60), left('requests', 10, 1_000, { windowMs: DAY })],
      score: 0.505,
    },
    { rule: 'what is held is not left', meters: [left('requests', 50, 50, { reserved: 25 })], score: 0.75 },
    { rule: 'more held than left is nothing left', meters: [left('requests', 10, 50, { reserved: 25 })], score: 0.5 },
    { rule: 'a limit of 0 says nothing', meters: [makeMeter({ limit: 0 })], score: 1 },
    { rule: 'a tiny limit counts like any other', meters: [left('requests', 1, 2), left('input_tokens', 2 ** 52, 2 ** 53)], score: 0.5 },
  ])('$rule', ({ meters, score }) => {
    expect(capacityScore(meters, START)).toBeCloseTo(score, 10);
  });

  test('a key that is a quarter full scores within a hundredth of 0.25', () => {
    const meters = [left('requests', 13, 50), left('input_tokens', 7_500, 30_000), left('output_tokens', 2_000, 8_000)];
    expect(Math.abs(capacityScore(meters, START) - 0.25)).toBeLessThan(0.01);
  });

  test('what comes back in time raises it', () => {
    const meter = left('requests', 0, 60, { resetTime: START + MINUTE, refillPerMs: 60 / MINUTE });
    expect([0, MINUTE / 2, MINUTE].map((ms) => capacityScore([meter], START + ms))).toEqual([0.5, 0.75, 1]);
  });
});

test.each<{ rule: string; meters: readonly Meter[]; share: number }>([
  {
    rule: 'of the scarcest limit counts, whatever the others have',
    meters: [left('requests', 50, 50), left('output_tokens', 10, 100)],
    share: 0.1,
  },
  { rule: 'is all where no limit is known', meters: [], share: 1 },
  { rule: 'is never below nothing', meters: [left('requests', 0, 50, { reserved: 9 })], share: 0 },
])('the headroom $rule', ({ meters, share }) => {
  expect(headroom(meters, START)).toBeCloseTo(share, 10);
});

test('a key that is passed over scores 0, and scores again when it is back', () => {
  const world = new World();
  expect(world.view().score).toBe(1);
  world.mark('a', 'rate_limited', { cooldownMs: 1_000 });
  expect(world.view().score).toBe(0);
  expect(world.advance(1_000).view().score).toBe(1);
  world.drain('a');
  expect(world.view().score).toBe(0);
});
