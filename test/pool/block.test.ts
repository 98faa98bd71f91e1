import { describe, expect, test } from 'vitest';
import { blocksOn, healed, isHealedBy, longer, phaseOf, probed, strikesAfter, unprobed } from '../../src/pool/block.ts';
import type { Block } from '../../src/pool/model.ts';
import { FRESH_POOL } from '../../src/store/store.ts';
import { DAY, MINUTE, SECOND, START } from '../support/clock.ts';
import { makeBlock, makeGroup, makeKeyState } from '../support/make.ts';

const ILL = { kind: 'unhealthy', reason: 'billing', after: 'probation' } as const;

test.each<{ rule: string; block: Partial<Block>; after: number; phase: string }>([
  { rule: 'is blocked one millisecond before its end', block: {}, after: MINUTE - 1, phase: 'blocked' },
  { rule: 'is over at its end, where it is then free', block: {}, after: MINUTE, phase: 'over' },
  { rule: 'is on probation at its end, where it is then on probation', block: ILL, after: MINUTE, phase: 'probation' },
  { rule: 'is probing while a lease probes it', block: { ...ILL, probe: 'lease' }, after: MINUTE, phase: 'probing' },
  { rule: 'never ends by itself, where it has no end', block: { until: null }, after: 365 * DAY, phase: 'blocked' },
])('a block $rule', ({ block, after, phase }) => {
  expect(phaseOf(makeBlock(block), START + after)).toBe(phase);
});

test('a lease meets the blocks of its class and those of every class: of the key, its group and the provider', () => {
  const named = (message: string) => makeBlock({ message });
  const key = makeKeyState({
    block: named('key'),
    modelBlocks: { '': named('key all'), opus: named('key opus'), haiku: named('key haiku') },
  });
  const group = makeGroup({ blocks: { '': named('group all'), opus: named('group opus') } });
  const pool = { ...FRESH_POOL, blocks: { opus: named('provider opus'), haiku: named('provider haiku') } };
  const met = (modelClass: string) => blocksOn(key, group, pool, modelClass).map(({ message }) => message);
  expect(met('opus')).toEqual(['key', 'key all', 'key opus', 'group all', 'group opus', 'provider opus']);
  expect(met('')).toEqual(['key', 'key all', 'group all']);
  expect(blocksOn(makeKeyState(), undefined, FRESH_POOL, 'opus')).toEqual([]);
});

describe('one block in the place of two', () => {
  const known = makeBlock({ message: 'known', strikes: 3 });
  const newer = (block: Partial<Block>) => makeBlock({ message: 'newer', since: START + SECOND, strikes: 4, ...block });

  test.each<{ rule: string; known: Block | null; newer: Block; expected: Partial<Block> }>([
    { rule: 'where there was none the newer one counts', known: null, newer: newer({}), expected: { message: 'newer' } },
    {
      rule: 'a shorter one does not bring the end forward',
      known,
      newer: newer({ until: START + 2 * SECOND }),
      expected: { until: known.until, message: 'known' },
    },
    { rule: 'but it counts as a strike', known, newer: newer({ until: START + 2 * SECOND }), expected: { strikes: 4 } },
    { rule: 'a longer one extends it', known, newer: newer({ until: START + DAY }), expected: { until: START + DAY, message: 'newer' } },
    { rule: 'one without an end outlasts every other', known, newer: newer({ until: null }), expected: { until: null, message: 'newer' } },
    {
      rule: 'no other ends one without an end',
      known: { ...known, until: null },
      newer: newer({ until: START + DAY }),
      expected: { until: null },
    },
    {
      rule: 'an illness does not turn into a cooldown that lasts longer',
      known: { ...known, ...ILL },
      newer: newer({ until: START + DAY }),
      expected: { ...ILL, until: START + DAY, message: 'known' },
    },
    {
      rule: 'an illness within a longer cooldown is an illness that lasts as long',
      known,
      newer: newer({ ...ILL, until: START + 2 * SECOND }),
      expected: { ...ILL, until: known.until, message: 'newer' },
    },
    {
      rule: 'a probation that is due stays due',
      known: { ...known, after: 'probation' },
      newer: newer({ until: START + 2 * SECOND }),
      expected: { after: 'probation' },
    },
  ])('$rule', ({ known, newer, expected }) => {
    expect(longer(known, newer, START + SECOND)).toMatchObject(expected);
  });

  test.each([
    { rule: 'over', over: known },
    { rule: 'on probation', over: { ...known, ...ILL } },
  ])('one that is $rule gives way to the newer one, even a shorter one', ({ over }) => {
    const next = newer({ since: START + MINUTE, until: START + MINUTE + 1 });
    expect(longer(over, next, START + MINUTE)).toBe(next);
  });
});

test.each([
  { rule: 'the first blow is one', known: null, evidence: START, strikes: 1 },
  { rule: 'a blow from after the block began is one more', known: makeBlock({ strikes: 2 }), evidence: START, strikes: 3 },
  { rule: 'a blow that was under way when it began is the same one', known: makeBlock({ strikes: 2 }), evidence: START - 1, strikes: 2 },
])('$rule', ({ known, evidence, strikes }) => {
  expect(strikesAfter(known, evidence)).toBe(strikes);
});

describe('a success', () => {
  test.each([
    { rule: 'ends a block that is over', block: {}, sent: START, now: START + MINUTE, heals: true },
    { rule: 'ends a probation', block: ILL, sent: START + MINUTE, now: START + MINUTE, heals: true },
    { rule: 'ends nothing that is still blocked', block: {}, sent: START + SECOND, now: START + 2 * SECOND, heals: false },
    { rule: 'of a request from before the block proves nothing', block: {}, sent: START - 1, now: START + MINUTE, heals: false },
  ])('$rule', ({ block, sent, now, heals }) => {
    expect(isHealedBy(makeBlock(block), sent, now)).toBe(heals);
  });

  test('ends blocks of its own class and of all classes, and no others', () => {
    const blocks = { '': makeBlock(), opus: makeBlock(), haiku: makeBlock() };
    expect(Object.keys(healed(blocks, ['', 'opus'], START, START + MINUTE))).toEqual(['haiku']);
  });

  test('leaves the records alone where nothing ends', () => {
    const blocks = { haiku: makeBlock() };
    expect(healed(blocks, ['', 'opus'], START, START + MINUTE)).toBe(blocks);
  });
});

describe('probes', () => {
  const blocks = { '': makeBlock(ILL), opus: makeBlock(ILL), haiku: makeBlock(ILL) };

  test('a lease becomes the probe of what is on probation for its class', () => {
    const now = probed(blocks, 'opus', 'lease', START + MINUTE);
    expect(Object.values(now).map(({ probe }) => probe)).toEqual(['lease', 'lease', null]);
  });

  test('nothing that is blocked or being probed takes a probe', () => {
    expect(probed(blocks, 'opus', 'lease', START)).toBe(blocks);
    const probing = { '': makeBlock({ ...ILL, probe: 'first' }) };
    expect(probed(probing, '', 'second', START + MINUTE)).toBe(probing);
  });

  test('a lease that ends is no probe any more, and other probes stay', () => {
    const probing = { '': makeBlock({ ...ILL, probe: 'lease' }), opus: makeBlock({ ...ILL, probe: 'other' }) };
    expect(Object.values(unprobed(probing, 'lease')).map(({ probe }) => probe)).toEqual([null, 'other']);
    expect(unprobed(probing, 'third')).toBe(probing);
  });
});
