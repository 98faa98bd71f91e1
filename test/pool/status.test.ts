import { describe, expect, test } from 'vitest';
import type { Block, GroupState, KeyState } from '../../src/pool/model.ts';
import { keyView, keyViews, limitView } from '../../src/pool/status.ts';
import { HOUR, MINUTE, SECOND, START } from '../support/clock.ts';
import { aMinute, makeBlock, makeFacts, makeGroup, makeKeyState, makeMeter, makePool } from '../support/make.ts';

const ILL: Partial<Block> = { kind: 'unhealthy', reason: 'billing', after: 'probation' };

/** A key as it is seen, for a class or (null) at its best. */
function viewed(key: Partial<KeyState>, modelClass: string | null, group: Partial<GroupState> = {}) {
  const facts = makeFacts({ keys: [makeKeyState(key)], groups: [makeGroup(group)] });
  return keyView(facts, facts.pool.keys[0]!, modelClass);
}

describe('the state of a key', () => {
  const opusOut = { modelBlocks: { opus: makeBlock({ ...ILL, until: START + HOUR }) } };

  test.each<{ rule: string; key: Partial<KeyState>; group?: Partial<GroupState>; modelClass: string | null; seen: object }>([
    {
      rule: 'is available where nothing is in the way',
      key: {},
      modelClass: null,
      seen: { state: 'available', reason: null, message: '', availableTime: null, score: 1 },
    },
    {
      rule: 'is a cooldown with its reason and end',
      key: { block: makeBlock({ message: 'slow down' }) },
      modelClass: null,
      seen: { state: 'cooldown', reason: 'rate_limited', message: 'slow down', availableTime: START + MINUTE, score: 0 },
    },
    {
      rule: 'is available where the cooldown is over',
      key: { block: makeBlock({ until: START }) },
      modelClass: null,
      seen: { state: 'available', reason: null },
    },
    {
      rule: 'is probation where that has come',
      key: { block: makeBlock({ ...ILL, until: START }) },
      modelClass: null,
      seen: { state: 'probation', reason: 'billing', availableTime: null, score: 1 },
    },
    {
      rule: 'is draining above all else',
      key: { draining: true, activeLeases: 3, block: makeBlock() },
      modelClass: null,
      seen: { state: 'draining', reason: 'operator', message: 'draining, 3 leases out', availableTime: null, score: 0 },
    },
    {
      rule: 'is the worst of what is in the way',
      key: { block: makeBlock({ until: START + HOUR }) },
      group: { blocks: { '': makeBlock(ILL) } },
      modelClass: null,
      seen: { state: 'unhealthy', reason: 'billing', availableTime: START + MINUTE },
    },
    {
      rule: 'ends with the later of two alike',
      key: { block: makeBlock() },
      group: { blocks: { '': makeBlock({ until: START + HOUR }) } },
      modelClass: null,
      seen: { state: 'cooldown', availableTime: START + HOUR },
    },
    {
      rule: 'has no end where one of two alike has none',
      key: { block: makeBlock({ ...ILL, until: null }) },
      group: { blocks: { '': makeBlock(ILL) } },
      modelClass: null,
      seen: { state: 'unhealthy', availableTime: null },
    },
    { rule: 'for a class is that of the class', key: opusOut, modelClass: 'opus', seen: { state: 'unhealthy', score: 0 } },
    { rule: 'for another class is untouched by it', key: opusOut, modelClass: 'haiku', seen: { state: 'available' } },
    {
      rule: 'at its best is that of the best class that is known',
      key: { modelBlocks: { ...opusOut.modelBlocks, haiku: makeBlock() } },
      modelClass: null,
      seen: { state: 'cooldown' },
    },
    {
      rule: 'at its best counts classes by their limits too',
      key: opusOut,
      group: { meters: { haiku: [makeMeter()] } },
      modelClass: null,
      seen: { state: 'available' },
    },
    {
      rule: 'at its best does not count the class of no model beside others',
      key: opusOut,
      group: { meters: { '': [makeMeter()] } },
      modelClass: null,
      seen: { state: 'unhealthy' },
    },
  ])('$rule', ({ key, group, modelClass, seen }) => {
    expect(viewed(key, modelClass, group)).toMatchObject(seen);
  });
});

test('the score at its best is that of the class with the least left', () => {
  const meters = { opus: [makeMeter({ deficit: 60 })], haiku: [makeMeter({ deficit: 6 })] };
  expect(viewed({}, null, { meters }).score).toBe(0.5);
  expect(viewed({}, 'haiku', { meters }).score).toBe(0.95);
});

describe('the limits of a key', () => {
  test('are those of the configuration before anything is known', () => {
    const facts = makeFacts({ pool: makePool({ keys: [{ id: 'a', limits: aMinute({ requests: 50 }) }] }) });
    expect(keyView(facts, facts.pool.keys[0]!, null).limits).toEqual([
      {
        dimension: 'requests',
        modelClass: '',
        windowMs: MINUTE,
        limit: 50,
        remaining: 50,
        reserved: 0,
        resetTime: null,
        source: 'configured',
      },
    ]);
  });

  test('are those of every class that is known', () => {
    const { limits } = viewed({}, null, { meters: { opus: [makeMeter()], haiku: [makeMeter(), makeMeter({ dimension: 'tokens' })] } });
    expect(limits.map(({ modelClass, dimension }) => `${modelClass} ${dimension}`)).toEqual([
      'opus requests',
      'haiku requests',
      'haiku tokens',
    ]);
  });

  test.each([
    { rule: 'a window that is only assumed is not told', meter: { windowKnown: false }, seen: { windowMs: null } },
    { rule: 'what remains is rounded down', meter: { deficit: 0.2 }, seen: { remaining: 59 } },
    { rule: 'what is held is rounded up', meter: { reserved: 0.2 }, seen: { reserved: 1 } },
    { rule: 'what is missing beyond the limit leaves nothing', meter: { deficit: 80 }, seen: { remaining: 0 } },
    {
      rule: 'the reset is when all is back',
      meter: { deficit: 30, resetTime: START + 30 * SECOND, refillPerMs: 1e-3 },
      seen: { resetTime: START + 30 * SECOND },
    },
  ])('$rule', ({ meter, seen }) => {
    expect(limitView(makeMeter(meter), '', START)).toMatchObject(seen);
  });
});

test('every key is seen in the order of the configuration', () => {
  const facts = makeFacts({ pool: makePool({ keys: [{ id: 'b' }, { id: 'a' }] }) });
  expect(keyViews(facts).map(({ config, fingerprint, limitGroup }) => [config.id, fingerprint, limitGroup])).toEqual([
    ['b', 'print-b', 'b'],
    ['a', 'print-a', 'a'],
  ]);
});
