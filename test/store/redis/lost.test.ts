import { describe, expect, onTestFinished, test } from 'vitest';
import { openRedisStore } from '../../../src/store/redis/redis.ts';
import { type Store, StoreLost } from '../../../src/store/store.ts';
import { Way } from '../../chaos/way.ts';
import { RedisServer, redisServer, until } from '../../support/redis.ts';
import { makeKey, makeLease, makePool, makeRequest, makeUsage } from '../records.ts';
import { healthOf, openReplica, settingsOf } from './open.ts';

const pool = makePool();
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

describe.skipIf(redisServer === null)('the server of the store is lost', () => {
  const startServer = async (...args: string[]) => {
    const server = await RedisServer.start(...args);
    onTestFinished(() => server.stop());
    return server;
  };

  test.each<{ how: string; away: (server: RedisServer) => unknown; back: (server: RedisServer) => unknown }>([
    { how: 'dies', away: (server) => server.kill(), back: (server) => server.start() },
    { how: 'hangs', away: (server) => server.signal('SIGSTOP'), back: (server) => server.signal('SIGCONT') },
  ])('one that $how: nothing is answered meanwhile, and the store is back by itself with all that was answered', async ({ away, back }) => {
    const server = await startServer(...DURABLE);
    const settings = settingsOf(server.at);
    const store = await openReplica(settings);
    const health = healthOf(store);
    await store.apply({ pool: 'p', keys: [makeKey()], leases: [makeLease()], requests: [makeRequest({ forgetTime: 9e15 })] });
    const before = recordsOf(store);
    await away(server);
    const unanswered = store.apply({ pool: 'p', leases: [makeLease({ id: 'unknown' })] });
    await expect(unanswered).rejects.toThrow(StoreLost);
    expect(() => store.read(pool)).toThrow(StoreLost);
    await expect(store.apply({ pool: 'p' })).rejects.toThrow(StoreLost);
    expect(health).toEqual(['lost']);
    await back(server);
    await until(() => health.length === 2);
    expect(health).toEqual(['lost', 'back']);
    expect(recordsOf(store)).toMatchObject({ ...before, leases: expect.arrayContaining(before.leases) });
    expect(await store.apply({ pool: 'p', leases: [makeLease({ id: 'after' })] })).toBe('applied');
    expect(recordsOf(await openReplica(settings))).toEqual(recordsOf(store));
  });

  test('the end is noticed while nothing is asked', async () => {
    const server = await startServer();
    const health = healthOf(await openReplica(settingsOf(server.at)));
    server.signal('SIGSTOP');
    onTestFinished(() => server.signal('SIGCONT'));
    await until(() => health.length > 0);
    expect(health).toEqual(['lost']);
  });

  test('a server that comes back empty gets back what its replicas know, and goes on', async () => {
    const server = await startServer();
    const settings = settingsOf(server.at);
    const [a, b] = [await openReplica(settings), await openReplica(settings)];
    await a.apply({
      pool: 'p',
      state: { ...a.read(pool).state, turn: { lastOrder: 3, weights: {} }, usage: { m: makeUsage(5) } },
      keys: [makeKey()],
      leases: [makeLease()],
      requests: [makeRequest({ forgetTime: 9e15 })],
    });
    await until(() => b.read(pool).lease('l1') !== undefined);
    await b.apply({ pool: 'p', leases: [makeLease({ id: 'l2', group: 'g2' })] });
    await until(() => a.read(pool).lease('l2') !== undefined);
    const before = recordsOf(a);
    await restart(server, [a, b]);
    expect([recordsOf(a), recordsOf(b)]).toEqual([before, before]);
    expect(recordsOf(await openReplica(settings))).toEqual(before);
    expect([a.learningPools?.(), b.learningPools?.()]).toEqual([[], []]);
    expect(await a.apply({ pool: 'p', ended: ['l1'], keys: [makeKey({ version: 1 })] })).toBe('applied');
    await until(() => b.read(pool).lease('l1') === undefined);
  });

  test('a server that somebody emptied while it ran gets everything back', async () => {
    const server = await startServer();
    const store = await openReplica(settingsOf(server.at));
    const health = healthOf(store);
    await store.apply({ pool: 'p', leases: [makeLease()] });
    await server.ask('FLUSHALL');
    await until(() => health.length === 2);
    expect(store.read(pool).lease('l1')).toEqual(makeLease());
  });

  test('while a replica that may know more is missed nothing is granted, until it has come or the longest lease is over', async () => {
    const server = await startServer(...DURABLE);
    const settings = settingsOf(server.at);
    const store = await openReplica(settings);
    const missing = `${settings.prefix}:{p}:missing`;
    await server.ask('HSET', `${settings.prefix}:{p}:replicas`, 'ghost', `${store.now()}`);
    await restart(server, [store]);
    expect(store.learningPools?.()).toEqual(['p']);
    const { now, grantsFrom = 0 } = store.read(pool);
    expect(grantsFrom - now).toBeGreaterThan(50_000);
    expect(grantsFrom - now).toBeLessThanOrEqual(60_000);
    expect(await server.ask('HKEYS', missing)).toEqual(['ghost']);
    await server.ask('HDEL', missing, 'ghost');
    await until(() => store.learningPools?.().length === 0);
  });

  describe('a replica comes back to a server that has lost what it granted, and has gone on without it', () => {
    /** Answers the store, once it is back, and when it was lost; `leaseMaxMs` is the longest lease, and `away` how long it is cut off. */
    const comeBack = async ({ leaseMaxMs, awayMs }: { leaseMaxMs: number; awayMs: number }) => {
      const server = await startServer();
      const way = await Way.to(server.port);
      onTestFinished(() => way.close());
      const settings = settingsOf({ host: '127.0.0.1', port: way.port });
      const store = await openRedisStore(settings);
      onTestFinished(() => store.close());
      await store.serve([{ id: 'p', leaseTtlMaxMs: leaseMaxMs }]);
      const health = healthOf(store);
      await store.apply({ pool: 'p', leases: [makeLease()] });
      way.become('drop');
      await until(() => health.length === 1);
      const lostAt = store.now();
      const key = (name: string) => `${settings.prefix}:{p}:${name}`;
      await server.ask('DEL', key('leases'));
      await server.ask('HSET', key('meta'), 'epoch', '2', 'opened', '2', 'opens', '0', 'sequence', '0', 'from:2', '0', 'learns', '0');
      await until(() => store.now() > lostAt + awayMs);
      way.become('fair');
      await until(() => health.length === 2);
      return { store, lostAt };
    };

    test('nothing is granted until the longest lease is over, counted from when it was lost', async () => {
      const { store, lostAt } = await comeBack({ leaseMaxMs: 60_000, awayMs: 500 });
      expect(store.learningPools?.()).toEqual(['p']);
      const { grantsFrom = 0 } = store.read(pool);
      expect(grantsFrom).toBeGreaterThan(lostAt + 59_000);
      expect(grantsFrom).toBeLessThanOrEqual(lostAt + 60_000);
    });

    test('where it is over already, everything goes on', async () => {
      const { store } = await comeBack({ leaseMaxMs: 300, awayMs: 400 });
      expect(store.read(pool).grantsFrom).toBe(0);
    });
  });

  test('a replica that starts into a new run learns first where another one did not leave properly, and only then', async () => {
    const server = await startServer(...DURABLE);
    const settings = settingsOf(server.at);
    const first = await openReplica(settings);
    await first.close();
    await server.kill();
    await server.start();
    const second = await openReplica(settings);
    expect(second.learningPools?.()).toEqual([]);
    await server.ask('HSET', `${settings.prefix}:{p}:replicas`, 'ghost', `${second.now()}`);
    await second.close();
    await server.kill();
    await server.start();
    expect((await openReplica(settings)).learningPools?.()).toEqual(['p']);
  });

  test('a replica that believes in an epoch that is over cannot write', async () => {
    const server = await startServer();
    const settings = settingsOf(server.at);
    const store = await openReplica(settings);
    const health = healthOf(store);
    await server.ask('HINCRBY', `${settings.prefix}:{p}:meta`, 'epoch', '1');
    const answer = store.apply({ pool: 'p', leases: [makeLease()] });
    await expect(answer).rejects.toThrow(StoreLost);
    await until(() => health.length === 2);
    expect([...store.read(pool).leases()]).toEqual([]);
  });
});

/** Kills the server and starts it again; done once every replica is back. */
async function restart(server: RedisServer, stores: readonly Store[]): Promise<void> {
  const healths = stores.map(healthOf);
  await server.kill();
  await server.start();
  await until(() => healths.every((health) => health.at(-1) === 'back'));
}

function recordsOf(store: Store) {
  const facts = store.read(pool);
  const leases = [...facts.leases()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { state: facts.state, key: facts.key('k1'), leases, request: facts.request('h', 'r1') };
}
