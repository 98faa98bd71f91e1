import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '../../src/store/redis/connection.ts';
import { askAt, RedisServer, startCluster, startSentinel, until } from '../support/redis.ts';
import { Net } from './net.ts';

/** `replicated` is a Sentinel's primary with two replicas, one of which has each change before its answer leaves. */
export const TOPOLOGIES = ['single', 'sentinel', 'replicated', 'cluster'] as const;
export type Kind = (typeof TOPOLOGIES)[number];

/** The servers that replicas share, as something that can fail and be mended. */
export interface Topology {
  readonly kind: Kind;
  /** The section `store` of the replicas' configuration. */
  readonly store: unknown;
  /** All the ways to its servers. */
  readonly net: Net;
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

export async function startTopology(kind: Kind): Promise<Topology> {
  if (kind === 'single') return startSingle();
  return kind === 'cluster' ? startSharded() : startWatched(kind);
}

async function startSingle(): Promise<Topology> {
  const net = new Net();
  const server = await RedisServer.behind(net.wayTo, () => ['--appendonly', 'yes']);
  return {
    ...{ kind: 'single', net, servers: [server] },
    store: { kind: 'redis', url: `redis://127.0.0.1:${server.known}`, timeout: TIMEOUT },
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
      net.close();
      await server.stop();
    },
  };
}

async function startWatched(kind: 'sentinel' | 'replicated'): Promise<Topology> {
  const net = new Net();
  const isReplicated = kind === 'replicated';
  const watched = await startSentinel({ wayTo: net.wayTo, replicas: isReplicated ? 2 : 1 });
  const { servers, entries } = watched;
  const sentinel = entries[0] as Endpoint;
  const named = async () => {
    const [, port] = await askAt(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main');
    return servers.find((server) => server.known === Number(port)) as RedisServer;
  };
  return {
    ...{ kind, net, servers },
    store: {
      ...{ kind: 'redis', timeout: TIMEOUT, durability: isReplicated ? 'replicated' : 'ack' },
      sentinels: { name: 'main', hosts: entries.map(textOf) },
    },
    primaryOf: named,
    runOf: async () => runOf(await named()),
    movedFrom: (server) => until(async () => (await named()) !== server && (await isPrimary(await named()))),
    async mend() {
      const primary = await named();
      const others = servers.filter((server) => server !== primary);
      for (const other of others) {
        if (!(await isUp(other))) await other.start();
        // Sentinel would do the same, some seconds later.
        await other.ask('REPLICAOF', '127.0.0.1', `${primary.known}`);
      }
      await until(async () => (await primary.ask('WAIT', `${others.length}`, '100')) === others.length);
      await until(async () => {
        const told = JSON.stringify(await askAt(sentinel, 'SENTINEL', 'REPLICAS', 'main'));
        return others.every(({ known }) => told.includes(`:${known}`)) && !/[so]_down|disconnected/.test(told);
      });
    },
    async stop() {
      net.close();
      await watched.stop();
    },
  };
}

async function startSharded(): Promise<Topology> {
  const net = new Net();
  const cluster = await startCluster(net);
  const { servers, entries } = cluster;
  const primaryOf = (pool: string) => Promise.any(servers.map((server) => ownerOf(pool, server, servers)));
  return {
    ...{ kind: 'cluster', net, servers },
    store: { kind: 'redis', timeout: TIMEOUT, cluster: entries.map(textOf) },
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
    async stop() {
      net.close();
      await cluster.stop();
    },
  };
}

/** Whom one node takes for the primary of a pool. */
async function ownerOf(pool: string, asked: RedisServer, servers: readonly RedisServer[]): Promise<RedisServer> {
  const slot = Number(await asked.ask('CLUSTER', 'KEYSLOT', `{${pool}}`));
  const ranges = (await asked.ask('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
  const port = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][1];
  const owner = servers.find((server) => server.known === Number(port));
  if (owner === undefined || !(await isPrimary(owner))) throw new Error(`no node serves ${pool}`);
  return owner;
}

async function runOf(server: RedisServer): Promise<string> {
  return `${server.port} ${/^run_id:(\w+)/m.exec(String(await server.ask('INFO', 'server')))?.[1]}`;
}

export async function isPrimary(server: RedisServer): Promise<boolean> {
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
