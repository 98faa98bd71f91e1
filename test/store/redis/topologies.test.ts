import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { steadyClock } from '../../../src/store/clock.ts';
import type { Place } from '../../../src/store/redis/primaries.ts';
import { openRedisStore } from '../../../src/store/redis/redis.ts';
import type { Store } from '../../../src/store/store.ts';
import { ACCESS, redisServer, startCluster, startSentinel, until } from '../../support/redis.ts';
import { storeContract } from '../contract.ts';
import { makeKey, makeLease, makePool } from '../records.ts';
import { healthOf } from './open.ts';

const pool = makePool();

describe.skipIf(redisServer === null)('a primary that Sentinels name', () => {
  let servers: Awaited<ReturnType<typeof startSentinel>>;
  beforeAll(async () => {
    servers = await startSentinel();
  });
  afterAll(() => servers.stop());
  const place = (): Place => ({ kind: 'sentinel', name: 'main', sentinels: servers.entries });

  contractAt('redis, Sentinel', place);

  test('when the primary dies, the store is back on another one, and nothing that was answered is lost', async () => {
    const [a, b] = await replicasAt(place());
    const healths = [healthOf(a), healthOf(b)];
    await a.apply({ pool: 'p', keys: [makeKey()], leases: [makeLease()] });
    // The replica of the server stops taking changes: what follows is answered and lost with the primary.
    servers.replica.signal('SIGSTOP');
    await a.apply({ pool: 'p', leases: [makeLease({ id: 'lost' })] });
    await until(() => b.read(pool).lease('lost') !== undefined);
    await servers.primary.kill();
    servers.replica.signal('SIGCONT');
    await until(() => healths.every((health) => health.at(-1) === 'back'));
    for (const store of [a, b]) expect([...store.read(pool).leases()].map(({ id }) => id).sort()).toEqual(['l1', 'lost']);
    expect([a, b].flatMap((store) => store.learningPools?.())).toEqual([]);
    expect(await b.apply({ pool: 'p', ended: ['lost'] })).toBe('applied');
    await until(() => a.read(pool).lease('lost') === undefined);
  });
});

describe.skipIf(redisServer === null)('a Cluster', () => {
  let servers: Awaited<ReturnType<typeof startCluster>>;
  beforeAll(async () => {
    servers = await startCluster();
  });
  afterAll(() => servers.stop());
  const place = (): Place => ({ kind: 'cluster', nodes: servers.entries });

  contractAt('redis, Cluster', place);

  test('when the primary of a pool dies, the pool goes on elsewhere with all that was answered, and other pools do not notice', async () => {
    const [a, b] = await replicasAt(place(), ['p', 'q', 'r', 's', 't']);
    const healths = [healthOf(a), healthOf(b)];
    const pools = ['p', 'q', 'r', 's', 't'];
    for (const id of pools) await a.apply({ pool: id, leases: [makeLease({ pool: id })] });
    const owners = new Map(await Promise.all(pools.map(async (id) => [id, await ownerOf(servers.entries[0]!.port, id)] as const)));
    const gone = owners.get('p') as number;
    await servers.servers.find(({ port }) => port === gone)!.kill();
    await until(() => healths.every((health) => health.at(-1) === 'lost'));
    const others = pools.filter((id) => owners.get(id) !== gone);
    expect(others.length).toBeGreaterThan(0);
    for (const id of others) expect(await a.apply({ pool: id, leases: [makeLease({ id: 'meanwhile', pool: id })] })).toBe('applied');
    await until(() => healths.every((health) => health.at(-1) === 'back'));
    for (const store of [a, b]) expect(store.read(pool).lease('l1')).toEqual(makeLease());
    expect(await a.apply({ pool: 'p', ended: ['l1'] })).toBe('applied');
    await until(() => b.read(pool).lease('l1') === undefined);
  });

  async function ownerOf(port: number, id: string): Promise<number> {
    const server = servers.servers.find((one) => one.port === port)!;
    const slot = await server.ask('CLUSTER', 'KEYSLOT', `{${id}}`);
    const ranges = (await server.ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
    return Number(ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][1]);
  }
});

function contractAt(name: string, place: () => Place): void {
  storeContract(name, ({ wall, monotonic }) =>
    openRedisStore({
      ...{ place: place(), access: ACCESS, prefix: randomUUID(), durability: 'ack', emptyMs: 0 },
      time: { now: steadyClock(0, wall, monotonic), hear: () => {}, toleranceMs: -1 },
    }),
  );
}

async function replicasAt(place: Place, pools = ['p']): Promise<[Store, Store]> {
  const settings = { place, access: ACCESS, prefix: randomUUID(), durability: 'ack' as const, emptyMs: 0 };
  const stores = [await openRedisStore(settings), await openRedisStore(settings)] as [Store, Store];
  onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
  for (const store of stores) await store.serve(pools.map(makePool));
  return stores;
}
