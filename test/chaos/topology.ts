import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '../../src/store/redis/connection.ts';
import { askAt, RedisServer, startCluster, startSentinel, until } from '../support/redis.ts';
import { Way } from './way.ts';

export const TOPOLOGIES = ['single', 'sentinel', 'cluster'] as const;
export type Kind = (typeof TOPOLOGIES)[number];

/** The servers that replicas share, as something that can fail and be mended. */
export interface Topology {
  readonly kind: Kind;
  /** The section `store` of each replica's configuration. */
  readonly stores: readonly unknown[];
  /** The way of each replica to its store, where it can be made bad; empty: it cannot. */
  readonly ways: readonly Way[];
  readonly servers: readonly RedisServer[];
  /** The server that takes the writes of a pool now. */
  primaryOf(pool: string): Promise<RedisServer>;
  /** Which run of which server takes the writes of a pool. */
  runOf(pool: string): Promise<string>;
  /** Done once another server takes the writes of a pool; the one that ended is not waited for. */
  movedFrom(server: RedisServer, pool: string): Promise<void>;
  /** Done once all is as it was before anything failed, whoever is the primary now. */
  mend(): Promise<void>;
  stop(): Promise<void>;
}

/** A primary that died, or froze, is tried no longer than this before it counts as lost. */
const TIMEOUT = '500ms';

export async function startTopology(kind: Kind, replicas: number): Promise<Topology> {
  if (kind === 'single') return startSingle(replicas);
  return kind === 'sentinel' ? startWatched(replicas) : startSharded(replicas);
}

async function startSingle(replicas: number): Promise<Topology> {
  const server = await RedisServer.start('--appendonly', 'yes');
  const ways = await Promise.all(Array.from({ length: replicas }, () => Way.to(server.port)));
  return {
    ...{ kind: 'single', ways, servers: [server] },
    stores: ways.map(({ port }) => ({ kind: 'redis', url: `redis://127.0.0.1:${port}`, timeout: TIMEOUT })),
    primaryOf: async () => server,
    runOf: () => runOf(server),
    // There is no other one: it is started again after a moment.
    async movedFrom() {
      await sleep(300);
      if (!(await isUp(server))) await server.start();
    },
    mend: async () => {
      await until(() => isUp(server));
    },
    async stop() {
      for (const way of ways) way.close();
      await server.stop();
    },
  };
}

async function startWatched(replicas: number): Promise<Topology> {
  const watched = await startSentinel();
  const { servers, entries } = watched;
  const sentinel = entries[0] as Endpoint;
  const named = async () => {
    const [, port] = await askAt(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main');
    return servers.find((server) => server.port === Number(port)) as RedisServer;
  };
  return {
    ...{ kind: 'sentinel', ways: [], servers },
    stores: Array.from({ length: replicas }, () => ({
      ...{ kind: 'redis', timeout: TIMEOUT },
      sentinels: { name: 'main', hosts: entries.map(textOf) },
    })),
    primaryOf: named,
    runOf: async () => runOf(await named()),
    movedFrom: (server) => until(async () => (await named()) !== server && (await isPrimary(await named()))),
    async mend() {
      const primary = await named();
      const [other] = servers.filter((server) => server !== primary) as [RedisServer];
      if (!(await isUp(other))) await other.start();
      // Sentinel would do the same, some seconds later.
      await other.ask('REPLICAOF', '127.0.0.1', `${primary.port}`);
      await until(async () => (await primary.ask('WAIT', '1', '100')) === 1);
      await until(async () => {
        const told = JSON.stringify(await askAt(sentinel, 'SENTINEL', 'REPLICAS', 'main'));
        return told.includes(`:${other.port}`) && !/[so]_down|disconnected/.test(told);
      });
    },
    stop: () => watched.stop(),
  };
}

async function startSharded(replicas: number): Promise<Topology> {
  const cluster = await startCluster();
  const { servers, entries } = cluster;
  const primaryOf = (pool: string) => Promise.any(servers.map((server) => ownerOf(pool, server, servers)));
  return {
    ...{ kind: 'cluster', ways: [], servers },
    stores: Array.from({ length: replicas }, () => ({ kind: 'redis', timeout: TIMEOUT, cluster: entries.map(textOf) })),
    primaryOf,
    runOf: async (pool) => runOf(await primaryOf(pool)),
    movedFrom: (ended, pool) =>
      until(async () => {
        const told = await Promise.allSettled(servers.filter((one) => one !== ended).map((one) => ownerOf(pool, one, servers)));
        return told.every((one) => one.status === 'fulfilled' && one.value !== ended);
      }),
    async mend() {
      for (const server of servers) if (!(await isUp(server))) await server.start();
      await until(async () => {
        const infos = await Promise.all(servers.map(async (server) => String(await server.ask('CLUSTER', 'NODES'))));
        return infos.every((info) => !/fail|noaddr|handshake/.test(info) && info.match(/master/g)?.length === 3);
      });
      const primaries = await filtered(servers, isPrimary);
      await until(async () => (await Promise.all(primaries.map((one) => one.ask('WAIT', '1', '100')))).every((count) => count === 1));
    },
    stop: () => cluster.stop(),
  };
}

/** Whom one node takes for the primary of a pool. */
async function ownerOf(pool: string, asked: RedisServer, servers: readonly RedisServer[]): Promise<RedisServer> {
  const slot = Number(await asked.ask('CLUSTER', 'KEYSLOT', `{${pool}}`));
  const ranges = (await asked.ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
  const port = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][1];
  const owner = servers.find((server) => server.port === Number(port));
  if (owner === undefined || !(await isPrimary(owner))) throw new Error(`no node serves ${pool}`);
  return owner;
}

async function runOf(server: RedisServer): Promise<string> {
  return `${server.port} ${/^run_id:(\w+)/m.exec(String(await server.ask('INFO', 'server')))?.[1]}`;
}

async function isPrimary(server: RedisServer): Promise<boolean> {
  return (await server.ask('ROLE').catch(() => ['gone']))[0] === 'master';
}

async function isUp(server: RedisServer): Promise<boolean> {
  return (await server.ask('PING').catch(() => '')) === 'PONG';
}

async function filtered<T>(all: readonly T[], is: (one: T) => Promise<boolean>): Promise<T[]> {
  const kept = await Promise.all(all.map(is));
  return all.filter((_, place) => kept[place]);
}

function textOf({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}
