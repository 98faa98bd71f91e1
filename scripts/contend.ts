/**
 * Several replicas of the service, each in a process of its own, contend for the keys of one pool in one Redis; prints the grants a
 * second of all together and how many decisions had to be taken again. Without the wire: what is measured is sharing.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { benchConfig } from '../bench/servers/config.ts';
import { createService } from '../src/service/service.ts';
import { openRedisStore } from '../src/store/redis/redis.ts';
import type { Store } from '../src/store/store.ts';
import { ACCESS, RedisServer, redisServer } from '../test/support/redis.ts';

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: '3' },
    'under-way': { type: 'string', default: '64' },
    seconds: { type: 'string', default: '5' },
    port: { type: 'string', default: '' },
  },
});

/** Until the replicas have met, and the code is warm. */
const WARM_UP_MS = 2_000;

interface Count {
  readonly grants: number;
  readonly applied: number;
  readonly movedOn: number;
}

if (values.port !== '') await contend(Number(values.port));
else if (redisServer === null) process.exitCode = 1;
else await measure();

async function measure(): Promise<void> {
  const server = await RedisServer.start();
  const args = [
    ...Object.entries(values).flatMap(([name, value]) => (name === 'port' ? [] : [`--${name}`, value])),
    '--port',
    `${server.port}`,
  ];
  const children = Array.from({ length: Number(values.replicas) }, () => fork(import.meta.filename, args));
  await Promise.all(children.map((child) => once(child, 'message')));
  for (const child of children) child.send('go');
  const counts = (await Promise.all(children.map((child) => once(child, 'message')))).map(([count]) => count as Count);
  await server.stop();
  const sum = (name: keyof Count) => counts.reduce((total, count) => total + count[name], 0);
  const perSecond = Math.round(sum('grants') / Number(values.seconds));
  const conflicts = (100 * sum('movedOn')) / (sum('applied') + sum('movedOn'));
  process.stdout.write(
    `${values.replicas} replicas, 20 keys, ${values['under-way']} under way each: ${perSecond} grants a second, ${conflicts.toFixed(1)} % of the changes moved on\n`,
  );
}

/** One replica: opens the store, says so, and acquires as fast as it is answered once it is told to. */
async function contend(port: number): Promise<void> {
  let [applied, movedOn, grants] = [0, 0, 0];
  const inner = await openRedisStore({
    place: { kind: 'single', at: { host: '127.0.0.1', port } },
    access: { ...ACCESS, timeoutMs: 5_000 },
    prefix: 'contend',
    durability: 'ack',
  });
  const store: Store = {
    installationKey: inner.installationKey,
    now: () => inner.now(),
    serve: (pools) => inner.serve(pools),
    read: (pool) => inner.read(pool),
    async apply(change) {
      const answer = await inner.apply(change);
      if (answer === 'applied') applied += 1;
      else movedOn += 1;
      return answer;
    },
    onChange: (listener) => inner.onChange(listener),
    onHealth: (listener) => inner.onHealth(listener),
    close: () => inner.close(),
  };
  const service = createService(store, Math.random, { joinedGroup: () => {}, poolShrank: () => {}, leaseExpired: () => {} });
  await service.generations.put(benchConfig());
  process.send?.('ready');
  await once(process, 'message');
  const end = performance.now() + WARM_UP_MS + Number(values.seconds) * 1_000;
  setTimeout(() => {
    [applied, movedOn, grants] = [0, 0, 0];
  }, WARM_UP_MS);
  const call = {
    ...{ pool: '', model: '', maxWaitMs: null, priority: 0, requests: 1, inputTokens: null, outputTokens: null, ttlMs: null },
    ...{ affinity: '', excluded: new Set<string>(), requestId: '', contentHash: '' },
  };
  const worker = async () => {
    while (performance.now() < end) {
      const answer = await service.leases.acquire('bench', call).catch(() => ({ ok: false }));
      if (answer.ok) grants += 1;
    }
  };
  await Promise.all(Array.from({ length: Number(values['under-way']) }, worker));
  process.send?.({ grants, applied, movedOn } satisfies Count);
  service.expiry.stop();
  process.disconnect();
  await store.close();
}
