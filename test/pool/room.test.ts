import { describe, expect, test } from 'vitest';
import type { KeyConfig, WantedDemand } from '../../src/pool/model.ts';
import { bindingMeter, knownKey, type PassedOver, passedOver, roomTime } from '../../src/pool/room.ts';
import { MINUTE, SECOND, START } from '../support/clock.ts';
import {
  aMinute,
  makeBlock,
  makeFacts,
  makeGroup,
  makeKey,
  makeKeyState,
  makeLease,
  makeMeter,
  makePool,
  makeWanted,
  type Records,
} from '../support/make.ts';

const ILL = makeBlock({ kind: 'unhealthy', reason: 'billing', after: 'probation' });
const EMPTY = makeGroup({ meters: { '': [makeMeter({ deficit: 60, resetTime: START + MINUTE, refillPerMs: 60 / MINUTE })] } });

interface Case {
  readonly rule: string;
  readonly key?: Partial<KeyConfig>;
  readonly wanted?: Partial<WantedDemand>;
  readonly modelClass?: string;
  readonly excluded?: readonly string[];
  readonly records?: Omit<Records, 'pool'>;
  readonly why: PassedOver | null;
  /** In milliseconds after START. */
  readonly room?: number | null;
}

describe('a key', () => {
  test.each<Case>([
    { rule: 'of which nothing is known has room', why: null },
    {
      rule: 'that is draining is passed over, with no end',
      records: { keys: [makeKeyState({ draining: true })] },
      why: 'draining',
      room: null,
    },
    {
      rule: 'that is unhealthy is passed over until its probation',
      records: { keys: [makeKeyState({ block: ILL })] },
      why: 'unhealthy',
      room: MINUTE,
    },
    {
      rule: 'that an operator took out is passed over, with no end',
      records: { keys: [makeKeyState({ block: { ...ILL, until: null } })] },
      why: 'unhealthy',
      room: null,
    },
    {
      rule: 'in cooldown is passed over until its end',
      records: { keys: [makeKeyState({ block: makeBlock() })] },
      why: 'cooldown',
      room: MINUTE,
    },
    { rule: 'whose cooldown is over has room', records: { keys: [makeKeyState({ block: makeBlock({ until: START }) })] }, why: null },
    { rule: 'on probation has room for one', records: { keys: [makeKeyState({ block: { ...ILL, until: START } })] }, why: null },
    {
      rule: 'that is being probed is passed over until the probe ends by itself',
      records: {
        keys: [makeKeyState({ block: { ...ILL, until: START, probe: 'lease' } })],
        leases: [makeLease({ expireTime: START + 7 })],
      },
      why: 'probation',
      room: 7,
    },
    {
      rule: 'blocked for another model has room',
      modelClass: 'opus',
      records: { keys: [makeKeyState({ modelBlocks: { haiku: makeBlock() } })] },
      why: null,
    },
    {
      rule: 'blocked for this model is passed over',
      modelClass: 'opus',
      records: { keys: [makeKeyState({ modelBlocks: { opus: makeBlock() } })] },
      why: 'cooldown',
      room: MINUTE,
    },
    {
      rule: 'whose limit group is blocked is passed over',
      modelClass: 'opus',
      records: { groups: [makeGroup({ blocks: { '': makeBlock() } })] },
      why: 'cooldown',
      room: MINUTE,
    },
    {
      rule: 'whose provider is overloaded is passed over',
      modelClass: 'opus',
      records: { state: { blocks: { opus: makeBlock() } } },
      why: 'cooldown',
      room: MINUTE,
    },
    {
      rule: 'with an illness and a cooldown is ill, and has room after the later of them',
      records: { keys: [makeKeyState({ block: makeBlock({ until: START + 2 * MINUTE }) })], groups: [makeGroup({ blocks: { '': ILL } })] },
      why: 'unhealthy',
      room: 2 * MINUTE,
    },
    { rule: 'that the caller excludes is passed over, with no end', excluded: ['a'], why: 'excluded', room: null },
    {
      rule: 'with as many leases as it may have is passed over until one ends by itself',
      key: { leasesMax: 2 },
      records: {
        keys: [makeKeyState({ activeLeases: 2 })],
        leases: [makeLease({ expireTime: START + 9 }), makeLease({ id: 'other', expireTime: START + 5 })],
      },
      why: 'max_leases',
      room: 5,
    },
    {
      rule: 'with more leases than it may have now is passed over until enough have ended',
      key: { leasesMax: 1 },
      records: {
        keys: [makeKeyState({ activeLeases: 3 })],
        leases: [1, 2, 3].map((n) => makeLease({ id: `${n}`, expireTime: START + n })),
      },
      why: 'max_leases',
      room: 3,
    },
    { rule: 'has room for exactly its limit', key: { limits: aMinute({ requests: 60 }) }, wanted: { requests: 60 }, why: null },
    {
      rule: 'has never room for more than its limit',
      key: { limits: aMinute({ requests: 60 }) },
      wanted: { requests: 61 },
      why: 'demand_exceeds_limit',
      room: null,
    },
    { rule: 'with an empty limit has room when enough has come back', records: { groups: [EMPTY] }, why: 'no_room', room: SECOND },
    { rule: 'with an empty limit has room for what needs nothing of it', wanted: { requests: 0 }, records: { groups: [EMPTY] }, why: null },
    {
      rule: 'has room when every limit has',
      wanted: { outputTokens: 10 },
      records: {
        groups: [
          makeGroup({
            meters: {
              '': [
                ...EMPTY.meters['']!,
                makeMeter({ dimension: 'output_tokens', deficit: 60, resetTime: START + MINUTE, refillPerMs: 60 / MINUTE }),
              ],
            },
          }),
        ],
      },
      why: 'no_room',
      room: 10 * SECOND,
    },
    {
      rule: 'with an empty limit of tokens has no room for a guess, even a guess of nothing',
      wanted: { outputGuessed: true },
      records: { groups: [makeGroup({ meters: { '': [makeMeter({ dimension: 'output_tokens', deficit: 60, resetTime: null })] } })] },
      why: 'no_room',
      room: SECOND,
    },
    {
      rule: 'that exceeds one limit and lacks room in another can never take it',
      wanted: { requests: 1, inputTokens: 99 },
      records: { groups: [makeGroup({ meters: { '': [...EMPTY.meters['']!, makeMeter({ dimension: 'input_tokens' })] } })] },
      why: 'demand_exceeds_limit',
      room: null,
    },
    { rule: 'with an empty limit for another class has room', modelClass: 'opus', records: { groups: [EMPTY] }, why: null },
  ])('$rule', ({ key = {}, wanted = {}, modelClass = '', excluded = [], records = {}, why, room = 0 }) => {
    const pool = makePool({ keys: [makeKey(key)] });
    const facts = makeFacts({ ...records, pool });
    const known = knownKey(facts, pool.keys[0]!);
    const ask = { wanted: makeWanted(wanted), modelClass, excluded: new Set(excluded) };
    expect(passedOver(facts, known, ask)).toBe(why);
    expect(roomTime(facts, known, ask)).toBe(room === null ? null : START + room);
  });
});

test('the meter that binds is the one with the least room for the demand, in proportion to its limit', () => {
  const meters = [makeMeter({ limit: 1_000, deficit: 500 }), makeMeter({ dimension: 'input_tokens', limit: 10, deficit: 1 })];
  const facts = makeFacts({ groups: [makeGroup({ meters: { '': meters } })] });
  const known = knownKey(facts, facts.pool.keys[0]!);
  const binding = (inputTokens: number) =>
    bindingMeter(facts, known, { wanted: makeWanted({ inputTokens }), modelClass: '', excluded: new Set() });
  expect(binding(0)?.dimension).toBe('requests');
  expect(binding(8)?.dimension).toBe('input_tokens');
});

test('where no limit is known no meter binds', () => {
  const facts = makeFacts();
  expect(
    bindingMeter(facts, knownKey(facts, facts.pool.keys[0]!), { wanted: makeWanted(), modelClass: '', excluded: new Set() }),
  ).toBeUndefined();
});
