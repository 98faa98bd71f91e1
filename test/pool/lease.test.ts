import { describe, expect, test } from 'vitest';
import { MINUTE, SECOND, START } from '../support/clock.ts';
import { aMinute, makeObservation } from '../support/make.ts';
import { World } from '../support/world.ts';

const LIMITS = { keys: [{ id: 'a', limits: aMinute({ requests: 60, input_tokens: 6_000, output_tokens: 600 }) }] };
const ASK = { inputTokens: 1_000, outputTokens: 100 };

describe('a renewal', () => {
  test.each([
    { rule: 'lasts as long as is asked for', ttlMs: 2 * MINUTE, until: 2 * MINUTE },
    { rule: 'lasts as long as the pool says, where nothing is asked for', ttlMs: null, until: 70 * SECOND },
    { rule: 'never reaches further than the longest of the pool', ttlMs: 24 * 60 * MINUTE, until: 15 * MINUTE },
    { rule: 'never shortens', ttlMs: 1, until: MINUTE },
  ])('$rule', ({ ttlMs, until }) => {
    const world = new World();
    const lease = world.lease();
    const after = ttlMs === null ? 10 * SECOND : 0;
    expect(world.advance(after).renew(lease, ttlMs).expireTime).toBe(START + until);
    expect(world.current(lease).expireTime).toBe(START + until);
  });

  test('again and again keeps a lease for longer than the longest', () => {
    const world = new World();
    const lease = world.lease();
    for (let n = 0; n < 10; n += 1) world.advance(30 * SECOND).renew(lease, 15 * MINUTE);
    expect(world.current(lease).expireTime).toBe(START + 20 * MINUTE);
  });

  test('touches no record but the lease', () => {
    const world = new World(LIMITS);
    const lease = world.lease(ASK);
    const before = [world.key(), world.group()];
    world.renew(lease, MINUTE);
    expect([world.key(), world.group()]).toEqual(before);
  });
});

describe('the end of a lease', () => {
  test('that is released gives all back, at once', () => {
    const world = new World(LIMITS);
    const lease = world.lease(ASK);
    expect(world.meters().map(({ reserved }) => reserved)).toEqual([1, 1_000, 100]);
    world.end(lease, 'released');
    expect(world.meters().map(({ reserved, deficit }) => reserved + deficit)).toEqual([0, 0, 0]);
    expect(world.key()).toMatchObject({ activeLeases: 0 });
    expect(world.facts.lease(lease.id)).toBeUndefined();
  });

  test('by itself counts what it held as used, from that moment on', () => {
    const world = new World(LIMITS);
    world.lease(ASK);
    world.advance(MINUTE - 1);
    expect(world.meters().map(({ reserved }) => reserved)).toEqual([1, 1_000, 100]);
    world.advance(1);
    expect(world.meters().map(({ reserved, deficit }) => [reserved, deficit])).toEqual([
      [0, 1],
      [0, 1_000],
      [0, 100],
    ]);
    expect(world.key()).toMatchObject({ activeLeases: 0 });
  });

  test('counts from when it was due, however late it is noticed', () => {
    const world = new World(LIMITS);
    world.lease(ASK);
    world.advance(MINUTE + 5 * SECOND);
    expect(world.view().limits.map(({ remaining }) => remaining)).toEqual([60, 5_500, 550]);
  });

  test('that is revoked counts what it held as used: the call may have happened', () => {
    const world = new World(LIMITS);
    world.advance(5 * SECOND);
    world.end(world.lease(ASK), 'revoked');
    expect(world.meters().map(({ reserved, deficit }) => [reserved, deficit])).toEqual([
      [0, 1],
      [0, 1_000],
      [0, 100],
    ]);
  });

  test('does not count again what an observation already contains', () => {
    const world = new World(LIMITS);
    const [silent, told] = [world.lease(ASK), world.lease(ASK)];
    world.advance(10 * SECOND);
    const observations = [makeObservation({ dimension: 'input_tokens', limit: 6_000, remaining: 4_000, resetInMs: 20 * SECOND })];
    world.report(told, { requestTime: START + 5 * SECOND, observations, used: { inputTokens: 1_000, outputTokens: 0 } });
    world.end(silent, 'revoked');
    expect(world.meters()[1]).toMatchObject({ reserved: 0, deficit: 2_000 });
    expect(world.meters()[2]).toMatchObject({ reserved: 0, deficit: 100 });
  });

  test('is remembered with the request id that it was acquired with', () => {
    const world = new World();
    const lease = world.lease({ requestId: 'r', contentHash: 'c' });
    world.end(lease, 'released');
    expect(world.ask({ requestId: 'r', contentHash: 'c' })).toMatchObject({
      kind: 'repeated',
      record: { end: 'released', lease: { id: lease.id } },
    });
  });

  test('gives up only its own share', () => {
    const world = new World(LIMITS);
    const [first] = [world.lease(ASK), world.lease({ inputTokens: 7, outputTokens: 3 })];
    world.end(first, 'released');
    expect(world.meters().map(({ reserved }) => reserved)).toEqual([1, 7, 3]);
    expect(world.key()).toMatchObject({ activeLeases: 1 });
  });
});
