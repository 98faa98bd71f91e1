import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Status } from 'nice-grpc';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { addressesOf, newFolder, serve, writeConfig } from '../e2e/process.ts';
import { type ConfigContent, type Connection, connectTo, keyOf, onePool, startTestApp, type TestApp } from '../support/app.ts';
import { RedisServer, redisServer, startSentinel, until } from '../support/redis.ts';

/** A window in which nothing that matters here comes back. */
const MONTH = '31d';

describe.skipIf(redisServer === null)('several replicas of the service over one store', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  });
  afterAll(() => server.stop());

  const shared = (keys: readonly ConfigContent[], pool: ConfigContent = {}): ConfigContent => ({
    ...onePool(keys, pool),
    store: { kind: 'redis', url: `redis://127.0.0.1:${server.port}`, prefix: randomUUID() },
  });
  const start = (config: ConfigContent, count = 2) => Promise.all(Array.from({ length: count }, () => startTestApp({ config })));

  test('however many ask at once, on whichever replica, no client is told of a lease too many', async () => {
    const property = fc.asyncProperty(fc.array(client, { minLength: 6, maxLength: 24 }), async (clients) => {
      const keys = ['a', 'b', 'c'].map((id) => keyOf(id, { max_leases: 2 }));
      const replicas = await start(shared(keys), 3);
      const oracle = new Oracle();
      await Promise.all(clients.map(({ at, releases }) => work(replicas[at] as TestApp, oracle, releases)));
      expect(oracle.most).toBe(2);
      await Promise.all(replicas.map(({ app }) => app.close()));
    });
    await fc.assert(property, { numRuns: 8 });
  });

  test('what is left of a limit is the same on every replica, and is granted to the last', async () => {
    const replicas = await start(shared([keyOf('a', { limits: { requests: { limit: 40, window: MONTH } } })]));
    const asked = Array.from({ length: 100 }, (_, n) => (replicas[n % 2] as TestApp).leases.acquireKey({}).catch(({ code }) => code));
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => answer === Status.RESOURCE_EXHAUSTED)).toHaveLength(60);
    expect(answers.filter((answer) => typeof answer === 'object')).toHaveLength(40);
  });

  test('a release on one replica wakes who waits on another', async () => {
    const [a, b] = await start(shared([keyOf('a', { max_leases: 1 })], { lease: { ttl: '1h', max_ttl: '1h' } }));
    const { lease } = await a!.leases.acquireKey({});
    const waiting = b!.leases.acquireKey({ maxWait: { seconds: 30, nanos: 0 } });
    await until(async () => (await b!.admin.listPools({})).pools[0]?.waiting === 1);
    await a!.leases.releaseLease({ leaseId: lease!.leaseId });
    expect((await waiting).lease?.keyId).toBe('a');
  });

  test('a lease that nobody ends expires once, whichever replica was asked for it, and wakes who waits on another', async () => {
    const [a, b] = await start(shared([keyOf('a', { max_leases: 1 })], { lease: { ttl: '1s', max_ttl: '1s' } }));
    const { lease } = await a!.leases.acquireKey({});
    const next = await b!.leases.acquireKey({ maxWait: { seconds: 30, nanos: 0 } });
    expect(next.lease?.leaseId).not.toBe(lease?.leaseId);
    expect(millisOf(next.lease?.acquireTime)).toBeGreaterThanOrEqual(millisOf(lease?.expireTime));
  });

  test('a request id that is sent to several replicas at once, and again later, is one lease', async () => {
    const replicas = await start(shared([keyOf('a'), keyOf('b')]), 3);
    const ask = () => Promise.all(replicas.map(({ leases }) => leases.acquireKey({ requestId: 'r' })));
    const answers = [...(await ask()), ...(await ask())];
    expect(new Set(answers.map(({ lease }) => lease?.leaseId)).size).toBe(1);
  });

  test('no secret of a key is ever written to the store', async () => {
    const own = await RedisServer.start();
    onTestFinished(() => own.stop());
    const url = `redis://127.0.0.1:${own.port}`;
    const [replica] = await start({ ...onePool([keyOf('a')]), store: { kind: 'redis', url } }, 1);
    const { lease, credential } = await replica!.leases.acquireKey({ requestId: 'r' });
    await replica!.leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 401, headers: {}, errorBody: credential!.secret });
    const hashes = (await own.ask('KEYS', 'keylease:*')) as string[];
    const stored = JSON.stringify(await Promise.all(hashes.map((key) => own.ask('HGETALL', key))));
    expect(stored).toContain(lease!.leaseId);
    expect(stored).not.toContain('secret-of-a');
  });

  test('what is reported on one replica is shown on another, to those who watch as well', async () => {
    const [a, b] = await start(shared([keyOf('a')]));
    const seen: number[] = [];
    const watching = (async () => {
      for await (const { keys } of b!.admin.watchKeys({ pool: 'default' })) {
        for (const { limits } of keys) for (const { limit } of limits) seen.push(Number(limit));
        if (seen.includes(4_242)) return;
      }
    })();
    const { lease } = await a!.leases.acquireKey({});
    const headers = { 'anthropic-ratelimit-requests-limit': '4242', 'anthropic-ratelimit-requests-remaining': '4000' };
    await a!.leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200, headers });
    await watching;
    expect(seen).toContain(4_242);
  });

  test('a store that dies under load and comes back: meanwhile nothing is granted, and never too much', async () => {
    const own = await RedisServer.start();
    onTestFinished(() => own.stop());
    const limit = 500;
    const keys = ['a', 'b'].map((id) => keyOf(id, { max_leases: 1_000, limits: { requests: { limit, window: MONTH } } }));
    const config = {
      ...onePool(keys, { lease: { ttl: '1h', max_ttl: '1h' } }),
      store: { kind: 'redis', url: `redis://127.0.0.1:${own.port}` },
    };
    const replicas = await start(config);
    const oracle = new Oracle();
    const load = untilExhausted(replicas, oracle);
    await until(() => oracle.grants > 100);
    await own.kill();
    await own.start();
    const before = oracle.grants;
    await until(() => oracle.grants > before + 100);
    await own.kill();
    await own.start();
    await load;
    expect(oracle.most).toBeLessThanOrEqual(limit);
    // What was on its way when the server died may be reserved without anybody having been told.
    expect(oracle.grants).toBeGreaterThan(2 * limit - 2 * 2 * CLIENTS);
  });

  test('when the primary fails and another takes over, no limit is exceeded, although what was granted last was never copied', async () => {
    const servers = await startSentinel();
    onTestFinished(() => servers.stop());
    const limit = 400;
    const keys = ['a', 'b'].map((id) => keyOf(id, { max_leases: 1_000, limits: { requests: { limit, window: MONTH } } }));
    const store = { kind: 'redis', sentinels: { name: 'main', hosts: servers.entries.map(({ host, port }) => `${host}:${port}`) } };
    const replicas = await start({ ...onePool(keys, { lease: { ttl: '1h', max_ttl: '1h' } }), store });
    const oracle = new Oracle();
    const load = untilExhausted(replicas, oracle);
    await until(() => oracle.grants > 50);
    servers.replica.signal('SIGSTOP');
    const copied = oracle.grants;
    await until(() => oracle.grants > copied + 50);
    await servers.primary.kill();
    servers.replica.signal('SIGCONT');
    await load;
    expect(oracle.most).toBeLessThanOrEqual(limit);
    expect(oracle.grants).toBeGreaterThan(2 * limit - 2 * CLIENTS);
  });

  test('a pool in which grants may be forgotten says until when, and grants nothing', async () => {
    const own = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    onTestFinished(() => own.stop());
    const config = { ...onePool([keyOf('a')]), store: { kind: 'redis', url: `redis://127.0.0.1:${own.port}` } };
    const [replica] = await start(config, 1);
    await own.ask('HSET', 'keylease:{default}:replicas', 'ghost', `${Date.now()}`);
    await own.kill();
    await own.start();
    await until(() => replica!.log.some(({ msg }) => String(msg).startsWith('the store may have forgotten grants')));
    expect((await replica!.admin.listPools({})).pools[0]?.grantsFromTime).toBeDefined();
    await expect(replica!.leases.acquireKey({})).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    await own.ask('DEL', 'keylease:{default}:missing');
    expect((await replica!.leases.acquireKey({ maxWait: { seconds: 30, nanos: 0 } })).lease?.keyId).toBe('a');
    expect((await replica!.admin.listPools({})).pools[0]?.grantsFromTime).toBeUndefined();
  });

  test('a replica that was stopped for longer than a lease grants nothing from what it knew before', async () => {
    const config = shared([keyOf('a', { max_leases: 1 })], { lease: { ttl: '1s', max_ttl: '1h' } });
    const served = serve(writeConfig(newFolder(), config));
    const [address] = await addressesOf(served);
    const [stopped, [other]] = [connectTo(address as string), await start(config, 1)];
    await stopped.leases.acquireKey({});
    served.process.kill('SIGSTOP');
    const held = await other!.leases.acquireKey({ ttl: { seconds: 3_600, nanos: 0 }, maxWait: { seconds: 30, nanos: 0 } });
    expect(held.lease?.keyId).toBe('a');
    const asked = stopped.leases.acquireKey({}).catch(({ code }) => code);
    served.process.kill('SIGCONT');
    expect([Status.RESOURCE_EXHAUSTED, Status.UNAVAILABLE]).toContain(await asked);
    served.process.kill('SIGTERM');
    await served.ended;
  });
});

const client = fc.record({ at: fc.integer({ min: 0, max: 2 }), releases: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }) });

/** Knows nothing but what clients were told, and when: a lease counts from the answer until its release is sent. */
class Oracle {
  readonly #underWay = new Map<string, number>();
  /** The most that were under way on one key at once. */
  most = 0;
  grants = 0;

  granted(key: string): void {
    this.grants += 1;
    this.#count(key, 1);
  }

  released(key: string): void {
    this.#count(key, -1);
  }

  #count(key: string, by: number): void {
    const now = (this.#underWay.get(key) ?? 0) + by;
    this.#underWay.set(key, now);
    this.most = Math.max(this.most, now);
  }
}

async function work({ leases }: Connection, oracle: Oracle, releases: readonly boolean[]): Promise<void> {
  for (const release of releases) {
    const answer = await leases.acquireKey({}).catch(({ code }) => code as number);
    if (typeof answer !== 'object') continue;
    const { keyId, leaseId } = answer.lease!;
    oracle.granted(keyId);
    if (!release) continue;
    oracle.released(keyId);
    await leases.releaseLease({ leaseId });
  }
}

function millisOf(time: { readonly seconds: number; readonly nanos: number } | undefined): number {
  return (time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
}

const CLIENTS = 16;

/** Clients that acquire on all replicas, keep what they get, and go on through every outage until nothing is left. */
async function untilExhausted(replicas: readonly Connection[], oracle: Oracle): Promise<void> {
  const work = async (_: unknown, n: number) => {
    const { leases } = replicas[n % replicas.length] as Connection;
    for (;;) {
      const answer = await leases.acquireKey({}).catch(({ code }) => code as Status);
      if (answer === Status.RESOURCE_EXHAUSTED) return;
      if (typeof answer === 'object') oracle.granted(answer.lease!.keyId);
      else await sleep(5);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
}
