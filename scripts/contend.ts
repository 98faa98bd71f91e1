/**
 * What sharing costs: replicas of the service, each in a process of its own, acquire from the 20 keys (--keys) of one pool in one Redis, without
 * the wire; all replicas on one core, the server on another. Prints, beside the same loop over the memory store, what one replica and
 * several together grant, alone and with every lease settled, how many decisions came to nothing with limit groups of one's own and
 * without, how large the batches are, and what an acquire alone takes beside a PING. Grants a second of CPU are what compares runs on a
 * machine that others use too.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { benchConfig } from '../bench/servers/config.ts';
import { createService } from '../src/service/service.ts';
import { memoryStore } from '../src/store/memory.ts';
import { Connection } from '../src/store/redis/connection.ts';
import { openRedisStore } from '../src/store/redis/redis.ts';
import type { Store } from '../src/store/store.ts';
import { ACCESS, RedisServer, redisServer } from '../test/support/redis.ts';

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: '3' },
    'under-way': { type: 'string', default: '64' },
    keys: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '3' },
    /** For a replica: where the server listens; 0: the memory store. */
    port: { type: 'string' },
    blind: { type: 'boolean', default: false },
    /** Settles each lease with its usage before the next is acquired. */
    settle: { type: 'boolean', default: false },
  },
});

/** Until the replicas have met, and the code is warm. */
const WARM_UP_MS = 2_000;

const [CLIENT_CORE, SERVER_CORE] = ['0', '1'];

const SECONDS = Number(values.seconds);

interface Count {
  readonly grants: number;
  readonly movedOn: number;
  readonly cpuSeconds: number;
  /** What each acquire took, and each PING that was sent between two of them; where one is under way alone. */
  readonly acquires: readonly number[];
  readonly pings: readonly number[];
}

if (values.port !== undefined) await contend(Number(values.port));
else if (redisServer === null) process.exitCode = 1;
else await compare();

async function compare(): Promise<void> {
  const underWay = values['under-way'];
  const alone = await measure('one replica, one call at a time', 1, '1');
  print(`  acquire ${quantiles(alone.acquires)}, PING ${quantiles(alone.pings)}`);
  await measure('memory store, the most that there is', 1, underWay, ['--port', '0']);
  const several = Number(values.replicas);
  for (const settle of [[], ['--settle']]) {
    const how = settle.length === 0 ? '' : ', each lease settled';
    const one = await measure(`one replica${how}`, 1, underWay, settle);
    const many = await measure(`${several} replicas${how}`, several, underWay, settle);
    print(`  ${several} ÷ one: ${(many.perSecond / one.perSecond).toFixed(2)}`);
    await measure(`${several} replicas${how}, blindly`, several, underWay, [...settle, '--blind']);
  }
  await measure(`${several} replicas`, several, `${8 * Number(underWay)}`);
}

/** Runs so many replicas on an empty server and prints what they did. */
async function measure(name: string, replicas: number, underWay: string, options: readonly string[] = []) {
  const server = await RedisServer.start();
  pin(Number(/process_id:(\d+)/.exec(String(await server.ask('INFO', 'server')))?.[1]), SERVER_CORE);
  const args = ['--port', `${server.port}`, '--under-way', underWay, '--seconds', values.seconds, '--keys', values.keys, ...options];
  const children = Array.from({ length: replicas }, () => fork(import.meta.filename, args));
  for (const { pid } of children) pin(pid as number, CLIENT_CORE);
  await Promise.all(children.map(told));
  for (const child of children) child.send('go');
  await sleep(WARM_UP_MS);
  await server.ask('CONFIG', 'RESETSTAT');
  const before = await serverCpu(server);
  const counts = (await Promise.all(children.map(told))) as Count[];
  const cpu = (await serverCpu(server)) - before;
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.ask('INFO', 'commandstats')))?.[1] ?? 0);
  await server.stop();
  const sum = (of: 'grants' | 'movedOn' | 'cpuSeconds') => counts.reduce((total, count) => total + count[of], 0);
  const [grants, movedOn] = [sum('grants'), sum('movedOn')];
  const [perSecond, perCpuSecond] = [grants / SECONDS, grants / sum('cpuSeconds')];
  print(
    `${name}, ${underWay} under way: ${Math.round(perSecond)} grants a second; ${Math.round(perCpuSecond)} a second of client CPU` +
      (calls === 0 ? '' : `, ${Math.round(grants / cpu)} of server CPU; ${percent(movedOn, grants + movedOn)} of changes in vain, `) +
      (calls === 0 ? '' : `${((grants + movedOn) / calls).toFixed(1)} a batch`),
  );
  return { perSecond, acquires: counts.flatMap(({ acquires }) => acquires), pings: counts.flatMap(({ pings }) => pings) };
}

/** Keeps a process on one core, where the machine can. */
function pin(pid: number, core: string): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', core, `${pid}`], { stdio: 'ignore' });
}

async function told(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message');
  return message;
}

async function serverCpu(server: RedisServer): Promise<number> {
  const info = String(await server.ask('INFO', 'cpu'));
  return ['user', 'sys'].reduce((sum, kind) => sum + Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)?.[1]), 0);
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

function quantiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(1_000 * (sorted[Math.floor(sorted.length * share)] ?? 0));
  return `p50 ${at(0.5)} µs, p99 ${at(0.99)} µs`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One replica: opens the store, says so, and acquires as fast as it is answered once it is told to. */
async function contend(port: number): Promise<void> {
  let [grants, movedOn, start] = [0, 0, process.cpuUsage()];
  let [acquires, pings]: [number[], number[]] = [[], []];
  const at = { host: '127.0.0.1', port };
  const access = { ...ACCESS, timeoutMs: 5_000 };
  const store =
    port === 0 ? memoryStore() : await openRedisStore({ place: { kind: 'single', at }, access, prefix: 'contend', durability: 'ack' });
  const ping = values['under-way'] === '1' ? await Connection.open(at, access, () => {}) : undefined;
  const counting: Store = {
    installationKey: store.installationKey,
    now: () => store.now(),
    serve: (pools) => store.serve(pools),
    read: (pool) => (values.blind ? Object.assign(store.read(pool), { isHome: undefined }) : store.read(pool)),
    async apply(change) {
      const answer = await store.apply(change);
      if (answer === 'moved_on') movedOn += 1;
      return answer;
    },
    onChange: (listener) => store.onChange(listener),
    onHealth: (listener) => store.onHealth(listener),
    close: () => store.close(),
  };
  const service = createService(counting, Math.random, { joinedGroup: () => {}, poolShrank: () => {}, leaseExpired: () => {} });
  await service.generations.put(benchConfig(Number(values.keys)));
  process.send?.('ready');
  await once(process, 'message');
  const end = performance.now() + WARM_UP_MS + SECONDS * 1_000;
  setTimeout(() => {
    [grants, movedOn, start] = [0, 0, process.cpuUsage()];
    [acquires, pings] = [[], []];
  }, WARM_UP_MS);
  const call = {
    ...{ pool: '', model: '', maxWaitMs: null, priority: 0, requests: 1, inputTokens: null, outputTokens: null, ttlMs: null },
    ...{ affinity: '', excluded: new Set<string>(), requestId: '', contentHash: '' },
  };
  const usage = { inputTokens: 1_000, outputTokens: 100, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
  const settled = { status: 200, headers: new Map(), errorBody: '', usage, requestTime: null, responseTime: null, inProgress: false };
  const worker = async () => {
    for (let turn = 0; performance.now() < end; turn += 1) {
      if (port === 0 && turn % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
      const began = performance.now();
      const answer = await service.leases.acquire('bench', call).catch(() => ({ ok: false }));
      if (answer.ok) grants += 1;
      if (values.settle && 'value' in answer) await service.leases.report('bench', { ...settled, leaseId: answer.value.lease.id });
      if (ping === undefined) continue;
      const answered = performance.now();
      await ping.send('PING');
      acquires.push(answered - began);
      pings.push(performance.now() - answered);
    }
  };
  await Promise.all(Array.from({ length: Number(values['under-way']) }, worker));
  const { user, system } = process.cpuUsage(start);
  const count: Count = { grants, movedOn, cpuSeconds: (user + system) / 1e6, acquires, pings };
  // A long message is on its way for a while, and would be cut by the end of the channel.
  await new Promise((resolve) => process.send?.(count, resolve));
  service.expiry.stop();
  ping?.close();
  process.disconnect();
  await store.close();
}
