import { describe, expect, test } from 'vitest';
import { DAY, MINUTE, SECOND, START } from '../support/clock.ts';
import { aMinute, makeJudgement, makeObservation } from '../support/make.ts';
import { World } from '../support/world.ts';

const LIMITS = aMinute({ requests: 60, output_tokens: 600 });
const ONE = { keys: [{ id: 'a', limits: LIMITS }] };
const ROTATED = { keys: [{ id: 'a', limits: LIMITS, fingerprint: 'new' }] };
const SHARED = {
  keys: [
    { id: 'a', limitGroup: 'org', limits: LIMITS },
    { id: 'b', limitGroup: 'org', limits: LIMITS },
  ],
};
const only = (keyId: 'a' | 'b') => ({ excluded: new Set([keyId === 'a' ? 'b' : 'a']) });
const reserved = (world: World, group: string) => world.meters('', group).map((meter) => meter.reserved);

test('a reload of the same configuration changes nothing', () => {
  const world = new World(SHARED);
  world.reload(SHARED);
  world.report(world.lease(), { observations: [makeObservation({ remaining: 5, resetInMs: 55 * SECOND })] });
  world.lease({ outputTokens: 10 });
  const before = JSON.stringify([world.key(), world.key('b'), world.group('org')]);
  expect(world.reload(SHARED)).toEqual([]);
  expect(JSON.stringify([world.key(), world.key('b'), world.group('org')])).toBe(before);
});

describe('a rotated secret', () => {
  test('is counted, and heals its key', () => {
    const world = new World(ONE);
    world.report(world.lease({ modelClass: 'opus' }), { judgement: makeJudgement({ verdict: 'forbidden', scope: 'key_model' }) });
    world.report(world.lease(), { judgement: makeJudgement({ verdict: 'invalid_credential', scope: 'key' }) });
    expect(world.reload(ROTATED)).toEqual(['a']);
    expect(world.key()).toMatchObject({ secretVersion: 2, fingerprint: 'new', block: null, modelBlocks: {}, failures: 0, witnesses: [] });
    expect(world.lease({ modelClass: 'opus' }).secretVersion).toBe(2);
  });

  test('heals a limit group that was its own: the new one may have money', () => {
    const world = new World(ONE);
    world.report(world.lease(), { judgement: makeJudgement({ verdict: 'billing', scope: 'limit_group' }) });
    expect(world.refusal().kind).toBe('no_healthy_keys');
    world.reload(ROTATED);
    expect(world.ask().kind).toBe('granted');
  });

  test('does not heal a limit group in which other keys keep theirs', () => {
    const world = new World(SHARED);
    world.report(world.lease(), { judgement: makeJudgement({ verdict: 'billing', scope: 'limit_group' }) });
    world.reload({ keys: [{ ...SHARED.keys[0]!, fingerprint: 'new' }, SHARED.keys[1]!] });
    expect(world.refusal().kind).toBe('no_healthy_keys');
  });

  test('keeps what is used and what is held', () => {
    const world = new World(ONE);
    world.report(world.lease(), { used: { inputTokens: 0, outputTokens: 100 } });
    world.lease({ outputTokens: 50 });
    const before = world.meters();
    world.reload(ROTATED);
    expect(world.meters()).toEqual(before);
    expect(world.key()).toMatchObject({ activeLeases: 1 });
  });

  test('takes nothing along of what was said of the old account', () => {
    const world = new World();
    world.report(world.lease(), { account: 'org', observations: [makeObservation({ remaining: 0, resetInMs: MINUTE })] });
    expect(world.ask().kind).toBe('exhausted');
    world.reload({ keys: [{ id: 'a', fingerprint: 'new' }] });
    expect(world.ask().kind).toBe('granted');
  });

  test('belongs to nobody until responses name its account, and its leases leave the group of the old one', () => {
    const world = new World({
      keys: [
        { id: 'a', limits: LIMITS },
        { id: 'b', limits: LIMITS },
      ],
    });
    for (const keyId of ['a', 'b'] as const) world.report(world.lease(only(keyId)), { account: 'org' });
    const lease = world.lease({ ...only('a'), outputTokens: 50 });
    world.lease({ ...only('b'), outputTokens: 20 });
    world.reload({
      keys: [
        { id: 'a', limits: LIMITS, fingerprint: 'new' },
        { id: 'b', limits: LIMITS },
      ],
    });
    expect(world.key()).toMatchObject({ account: null, group: 'a' });
    expect(world.current(lease).group).toBe('a');
    expect(reserved(world, 'a')).toEqual([1, 50]);
    expect(reserved(world, 'account:org')).toEqual([1, 20]);
    world.end(lease, 'released');
    expect(reserved(world, 'a')).toEqual([0, 0]);
  });
});

describe('configured limits', () => {
  test.each([
    { rule: 'are raised, and what is used stays used', limit: 100, remaining: 99 },
    { rule: 'are lowered, even below what is held', limit: 1, remaining: 0 },
  ])('$rule', ({ limit, remaining }) => {
    const world = new World({ keys: [{ id: 'a', limits: aMinute({ requests: 60 }) }] });
    world.report(world.lease());
    world.lease();
    world.reload({ keys: [{ id: 'a', limits: aMinute({ requests: limit }) }] });
    expect(world.view().limits).toMatchObject([{ limit, remaining, reserved: 1 }]);
  });

  test('that are gone are forgotten', () => {
    const world = new World(ONE);
    world.lease();
    world.reload({ keys: [{ id: 'a' }] });
    expect(world.meters()).toEqual([]);
  });

  test('that are new start full, less what leases under way hold', () => {
    const world = new World();
    const lease = world.lease({ outputTokens: 100 });
    world.reload(ONE);
    expect(reserved(world, 'a')).toEqual([1, 100]);
    expect(world.refusal({ outputTokens: 501 }).kind).toBe('exhausted');
    world.lease({ outputTokens: 500 });
    world.end(lease, 'released');
    expect(reserved(world, 'a')).toEqual([1, 500]);
  });

  test('do not come back beside what was learnt of the same window, and do beside another', () => {
    const world = new World(ONE);
    world.report(world.lease(), { observations: [makeObservation({ limit: 100, remaining: 50 })] });
    const aDay = { dimension: 'requests', limit: 1_000, windowMs: DAY } as const;
    world.reload({ keys: [{ id: 'a', limits: [...LIMITS, aDay] }] });
    expect(world.meters().map(({ dimension, source, windowMs }) => [dimension, source, windowMs])).toEqual([
      ['requests', 'learned', MINUTE],
      ['output_tokens', 'configured', MINUTE],
      ['requests', 'configured', DAY],
    ]);
  });

  test('of two keys of one group for the same window count once, as the first says', () => {
    const world = new World(SHARED);
    world.lease();
    world.reload({
      keys: [
        { ...SHARED.keys[0]!, limits: aMinute({ requests: 10 }) },
        { ...SHARED.keys[1]!, limits: aMinute({ requests: 20 }) },
      ],
    });
    expect(world.meters('', 'org')).toMatchObject([{ limit: 10, reserved: 1 }]);
  });
});

describe('another limit group', () => {
  const APART = {
    keys: [
      { id: 'a', limits: LIMITS },
      { id: 'b', limits: LIMITS },
    ],
  };

  test('takes over the leases under way with what they hold', () => {
    const world = new World(APART);
    const [one, two] = [world.lease({ ...only('a'), outputTokens: 100 }), world.lease({ ...only('b'), outputTokens: 50 })];
    world.reload(SHARED);
    expect([world.current(one).group, world.current(two).group]).toEqual(['org', 'org']);
    expect(reserved(world, 'org')).toEqual([2, 150]);
    expect(reserved(world, 'a')).toEqual([0, 0]);
    world.end(one, 'released');
    world.end(two, 'released');
    expect(reserved(world, 'org')).toEqual([0, 0]);
  });

  test('starts with what its keys had learnt and used: a reload forgets nothing', () => {
    const world = new World(APART);
    world.report(world.lease(only('a')), { observations: [makeObservation({ remaining: 3, resetInMs: 57 * SECOND })] });
    world.reload(SHARED);
    expect(world.view('b').limits).toMatchObject([
      { dimension: 'requests', remaining: 3, source: 'learned' },
      { dimension: 'output_tokens', remaining: 600, source: 'configured' },
    ]);
  });

  test('keeps the account in mind, where the configuration names no group any more', () => {
    const world = new World(APART);
    world.report(world.lease(only('a')), { account: 'org' });
    world.reload({ keys: [{ id: 'a', limitGroup: 'mine' }, { id: 'b' }] });
    expect(world.view('a').limitGroup).toBe('mine');
    world.reload(APART);
    expect(world.view('a').limitGroup).toBe('account:org');
  });
});

test('a lease of a key that left is still held on the group', () => {
  const world = new World(SHARED);
  const lease = world.lease({ ...only('a'), outputTokens: 100 });
  world.reload({ keys: [SHARED.keys[1]!] });
  expect(reserved(world, 'org')).toEqual([1, 100]);
  world.end(lease, 'expired');
  expect(world.meters('', 'org').map(({ deficit }) => deficit)).toEqual([1, 100]);
});

test('a lease that probes is the probe of no group that it has left', () => {
  const world = new World(SHARED);
  world.report(world.lease(), { judgement: makeJudgement({ verdict: 'billing', scope: 'limit_group', waitMs: SECOND }) });
  world.advance(SECOND).lease(only('a'));
  expect(world.refusal(only('b'))).toMatchObject({ counts: { noRoom: 2 } });
  world.reload({ keys: [{ id: 'a', limitGroup: 'mine' }, SHARED.keys[1]!] });
  expect(world.ask(only('b')).kind).toBe('granted');
  expect(world.now).toBe(START + SECOND);
});
