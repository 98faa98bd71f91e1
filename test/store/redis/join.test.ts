import { describe, expect, onTestFinished, test } from 'vitest';
import { Connection } from '../../../src/store/redis/connection.ts';
import { type Call, type JoinOptions, joinPool, type Memory, pairs, SCRIPTS } from '../../../src/store/redis/join.ts';
import { textOf } from '../../../src/store/redis/record-text.ts';
import { openRedisStore } from '../../../src/store/redis/redis.ts';
import { KINDS } from '../../../src/store/redis/touched.ts';
import { ACCESS, RedisServer, redisServer, until } from '../../support/redis.ts';
import { makeLease, makePool } from '../records.ts';
import { openReplica, settingsOf } from './open.ts';

const NOTHING: Memory = { epoch: 0, sequence: 0, records: () => [] };

/** What a replica remembers that was in step with a store of which nothing is left. */
const MEMORY: Memory = { epoch: 3, sequence: 70, records: () => [KINDS.leases, '"l1"', '', textOf(KINDS.leases, makeLease())] };

const OPTIONS: JoinOptions = { run: 'r', replica: 'a', leaseMaxMs: 60_000, graceMs: 0, lostAt: 0, losesNothing: false, emptyMs: 0 };

describe.skipIf(redisServer === null)('joining a pool of a server that has lost everything', () => {
  const startServer = async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    const connection = await Connection.open(server.at, ACCESS, () => {});
    onTestFinished(() => connection.close());
    const hashes = ['meta', 'versions', 'state', 'keys', 'groups', 'leases', 'requests', 'usage', 'replicas', 'missing'];
    const call: Call = (script, args) =>
      connection.run(['EVAL', SCRIPTS[script], `${hashes.length}`, ...hashes.map((name) => `{p}${name}`), ...args]);
    return { server, call };
  };

  const leasesIn = ([, , , , , , , leases]: readonly string[][]) => pairs(leases!).map(([id]) => id);

  test('who comes too late to put back what it knows in its first try does so in the next, as long as nobody has read the pool', async () => {
    const { server, call } = await startServer();
    const failing: Call = (script, args) => (script === 'restore' ? Promise.reject(new Error('no answer')) : call(script, args));
    await expect(joinPool(failing, MEMORY, OPTIONS)).rejects.toThrow('no answer');
    const opens = Number(await server.ask('HGET', '{p}meta', 'opens'));
    await until(async () => Number((await server.ask('TIME'))[0]) * 1_000 > opens);
    const { loaded } = await joinPool(call, MEMORY, OPTIONS);
    expect(leasesIn(loaded)).toEqual(['"l1"']);
  });

  test('once somebody has read the pool it is too late', async () => {
    const { call } = await startServer();
    const failing: Call = (script, args) => (script === 'restore' ? Promise.reject(new Error('no answer')) : call(script, args));
    await expect(joinPool(failing, MEMORY, OPTIONS)).rejects.toThrow('no answer');
    await joinPool(call, NOTHING, { ...OPTIONS, replica: 'b' });
    const { loaded } = await joinPool(call, MEMORY, OPTIONS);
    expect(leasesIn(loaded)).toEqual([]);
  });

  test('who knows nothing leaves it alone for a moment, in which who does puts it back for both', async () => {
    const { call } = await startServer();
    const isThere = Promise.withResolvers<void>();
    const watched: Call = (script, args) => {
      if (script === 'beat') isThere.resolve();
      return call(script, args);
    };
    const fresh = joinPool(watched, NOTHING, { ...OPTIONS, replica: 'b', emptyMs: 60_000 });
    await isThere.promise;
    const both = await Promise.all([joinPool(call, MEMORY, OPTIONS), fresh]);
    expect(both.map(({ loaded }) => leasesIn(loaded))).toEqual([['"l1"'], ['"l1"']]);
  });

  test('many pools are left alone at one time, not one after the other', async () => {
    const { server } = await startServer();
    const store = await openRedisStore({ ...settingsOf(server.at), emptyMs: 1_500 });
    onTestFinished(() => store.close());
    const pools = ['p', 'q', 'r', 's'];
    await store.serve(pools.map(makePool));
    const times = pools.map((id) => store.read(makePool(id)).grantsFrom ?? 0);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(1_500);
  });

  test('and where nobody comes it goes on, and learns nothing', async () => {
    const { server } = await startServer();
    const store = await openReplica({ ...settingsOf(server.at), emptyMs: 50 });
    expect(store.learningPools?.()).toEqual([]);
    const { grantsFrom = 0, now } = store.read(makePool());
    expect(grantsFrom).toBeLessThanOrEqual(now);
  });
});
