import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeTime } from '../../../src/store/redis/store-time.ts';
import { RedisServer, redisServer, until } from '../../support/redis.ts';
import { makeKey, makePool } from '../records.ts';
import { openReplica, settingsOf } from './open.ts';

/** Answers of the store, each with the time it tells and the moment at which it arrives; then what the replica takes for now. */
test.each<{ rule: string; heard: readonly (readonly [told: number, at: number])[]; at: number; now: number }>([
  { rule: 'what was told, and the time since', heard: [[1_000, 5]], at: 25, now: 1_020 },
  {
    rule: 'an answer that was long on its way moves nothing back',
    heard: [
      [1_000, 5],
      [1_010, 95],
    ],
    at: 95,
    now: 1_090,
  },
  {
    rule: 'one that was quicker than those before moves it on',
    heard: [
      [1_000, 95],
      [1_200, 205],
    ],
    at: 205,
    now: 1_200,
  },
  {
    rule: 'a store that steps ahead is followed',
    heard: [
      [1_000, 0],
      [9_000, 10],
    ],
    at: 20,
    now: 9_010,
  },
  {
    rule: 'a clock that is slower than the store is led back within 20 s',
    heard: [
      [0, 0],
      [15_000, 14_000],
      [30_000, 28_000],
    ],
    at: 28_000,
    now: 30_000,
  },
  {
    rule: 'a clock that is faster waits for the store',
    heard: [
      [0, 0],
      [14_000, 15_000],
      [26_000, 30_000],
    ],
    at: 30_000,
    now: 29_000,
  },
])('now is $rule', ({ heard, at, now }) => {
  let monotonic = 0;
  const time = storeTime(() => monotonic);
  for (const [told, arrival] of heard) {
    monotonic = arrival;
    time.hear(told);
    time.now();
  }
  monotonic = at;
  expect(time.now()).toBe(now);
});

test('it never steps back', () => {
  let monotonic = 0;
  const time = storeTime(() => monotonic);
  time.hear(5_000);
  const seen = [time.now()];
  for (monotonic = 1_000; monotonic < 60_000; monotonic += 1_000) {
    time.hear(monotonic / 2);
    seen.push(time.now());
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

describe.skipIf(redisServer === null)('a replica whose clock is not the store’s', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  /** A monotonic clock that can be made to jump. */
  function jumping() {
    let jumpMs = 0;
    return {
      time: storeTime(() => performance.now() + jumpMs),
      jump(ms: number) {
        jumpMs += ms;
      },
    };
  }

  test('one that slept decides anew, with the time of the store', async () => {
    const settings = settingsOf(server.at);
    const store = await openReplica(settings);
    const before = store.now();
    // While it slept, which its own clock does not count, the store went on.
    await server.ask('HSET', `${settings.prefix}:{p}:meta`, 'time', `${before + 5_000}`);
    expect(await store.apply({ pool: 'p', keys: [makeKey()] })).toBe('moved_on');
    expect(store.read(makePool()).key('k1')).toBeUndefined();
    expect(store.now()).toBeGreaterThanOrEqual(before + 5_000);
    expect(await store.apply({ pool: 'p', keys: [makeKey()] })).toBe('applied');
  });

  test('one that is ahead, as the server stepped back, goes on, and takes the others with it', async () => {
    const { time, jump } = jumping();
    const settings = settingsOf(server.at);
    const [ahead, other] = [await openReplica({ ...settings, time }), await openReplica(settings)];
    jump(60_000);
    expect(await ahead.apply({ pool: 'p', keys: [makeKey()] })).toBe('applied');
    await until(() => Math.abs(other.now() - ahead.now()) < 5_000);
    expect(await other.apply({ pool: 'p', keys: [makeKey({ id: 'k2' })] })).toBe('applied');
  });
});
