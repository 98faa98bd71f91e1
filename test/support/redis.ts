import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Access, Connection, type Endpoint, type Reply } from '../../src/store/redis/connection.ts';
import { tool } from './tool.ts';

const BRING = 'apt-get install redis-server redis-sentinel';

/** An absolute path; undefined: the server that the machine has. */
const chosen = process.env.KEYLEASE_REDIS_SERVER;

/** The server; null: it is not installed. */
export const redisServer = tool(chosen ?? 'redis-server', BRING);
if (chosen !== undefined && redisServer === null) throw new Error(`KEYLEASE_REDIS_SERVER: no program is at ${chosen}`);

/** Whether it tells what is on its disk, as Redis from 7.2 and Valkey do. An older one is no failure in CI: it is what the system brings. */
export function tellsDisk(): boolean {
  if (redisServer === null) return false;
  const version = /v=([\d.]+)/.exec(String(spawnSync(redisServer, ['--version']).stdout))?.[1] ?? '';
  const tells = /^(7\.[2-9]|[89]\.|\d{2,}\.)/.test(version);
  if (!tells)
    process.stderr.write(`tests of durability fsync are left out: the server is ${version}; name a newer one in KEYLEASE_REDIS_SERVER\n`);
  return tells;
}

/** Whether it was built with TLS: asked for it without a certificate, it misses that first. */
export function speaksTls(): boolean {
  if (redisServer === null) return false;
  const told = String(spawnSync(redisServer, ['--port', '0', '--tls-port', '1', '--save', ''], { cwd: tmpdir(), timeout: 10_000 }).stdout);
  const speaks = told.includes('No tls-cert-file');
  if (!speaks) process.stderr.write(`tests of TLS to the store are left out: ${redisServer} was built without it\n`);
  return speaks;
}

/** How tests talk to it. */
export const ACCESS: Access = { tls: false, username: undefined, password: undefined, database: 0, timeoutMs: 2_000 };

/** Whatever becomes of the test, no server outlives the process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function run(args: readonly string[]): ChildProcess {
  const child = spawn(redisServer as string, args, { stdio: 'ignore' });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Makes a way to a port of a server, or to the server itself, by which all others come; answers the port of the way. */
export type WayTo = (port: number, address: string) => Promise<number>;

/** Others come straight. */
const straight: WayTo = (port) => Promise.resolve(port);

/** One server on a port and in a folder of its own. */
export class RedisServer {
  static #count = 0;
  readonly port: number;
  /** The port by which others know it: its own, or that of a way to it. */
  readonly known: number;
  /** Where it calls from, where its ways are told apart by that. */
  readonly address: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'keylease-redis-'));
  readonly #args: readonly string[];
  readonly #access: Access;
  #process: ChildProcess | undefined;

  private constructor(port: number, known: number, address: string, args: readonly string[], access: Access) {
    this.port = port;
    this.known = known;
    this.address = address;
    this.#args = args;
    this.#access = access;
  }

  /** `args` are settings as on the command line, such as `--appendonly yes`. */
  static start(...args: string[]): Promise<RedisServer> {
    return RedisServer.startFor(ACCESS, ...args);
  }

  /** One that is asked in another way: over TLS it speaks nothing else. */
  static startFor(access: Access, ...args: string[]): Promise<RedisServer> {
    return RedisServer.behind(straight, () => args, access);
  }

  /** One that others reach by a way; its settings may name the port by which it is known, and depend on where it calls from. */
  static async behind(
    wayTo: WayTo,
    argsOf: (known: number, address: string) => string[] | Promise<string[]>,
    access = ACCESS,
  ): Promise<RedisServer> {
    RedisServer.#count += 1;
    const address = wayTo === straight ? '127.0.0.1' : `127.0.1.${RedisServer.#count}`;
    const port = await freePort();
    const known = await wayTo(port, address);
    const server = new RedisServer(port, known, address, await argsOf(known, address), access);
    await server.start();
    return server;
  }

  get at(): Endpoint {
    return { host: '127.0.0.1', port: this.port };
  }

  get folder(): string {
    return this.#folder;
  }

  /** Starts it, also again in the same folder; done once it answers. */
  async start(): Promise<void> {
    const ports = this.#access.tls ? ['--port', '0', '--tls-port', `${this.port}`] : ['--port', `${this.port}`];
    const args = [...ports, '--bind', '127.0.0.1', '--bind-source-addr', this.address, '--dir', this.#folder];
    this.#process = run([...args, '--save', '', '--repl-diskless-sync-delay', '0', ...this.#args]);
    await until(async () => (await this.ask('PING')) === 'PONG');
  }

  ask(command: string, ...args: string[]): Promise<Reply> {
    return askFor(this.#access, this.at, command, ...args);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it as a crash would; done once it is gone. */
  async kill(): Promise<void> {
    const ended = this.#process;
    if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return;
    const exit = new Promise((resolve) => ended.once('exit', resolve));
    ended.kill('SIGKILL');
    await exit;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Ends what was started, whether the test went well or not. */
export interface RedisServers {
  readonly servers: readonly RedisServer[];
  /** Where those listen that a store is pointed at. */
  readonly entries: readonly Endpoint[];
  stop(): Promise<void>;
}

type Watched = RedisServers & { readonly primary: RedisServer; readonly replica: RedisServer };

const SENTINEL_SETTINGS = ['down-after-milliseconds 500', 'failover-timeout 3000', 'parallel-syncs 1'];

/** How servers are secured, and how they are talked to then. */
export interface Secured {
  readonly access: Access;
  /** Settings of each server. */
  readonly args: readonly string[];
  /** Settings of the Sentinel, a line each. */
  readonly sentinel: readonly string[];
  /** What makes redis-cli talk to the servers. */
  readonly cli: readonly string[];
}

const OPEN: Secured = { access: ACCESS, args: [], sentinel: [], cli: [] };

/** A primary, replicas of it, and a Sentinel that calls the primary `main`; done once the replicas are in step. */
export async function startSentinel({ secured = OPEN, wayTo = straight, replicas: count = 1 } = {}): Promise<Watched> {
  const { access, args, sentinel: settings } = secured;
  const start = (...more: string[]) => {
    const argsOf = (known: number) => ['--appendonly', 'yes', '--replica-announce-port', `${known}`, ...args, ...more];
    return RedisServer.behind(wayTo, argsOf, access);
  };
  const primary = await start('--repl-diskless-load', 'disabled');
  const replicas = await Promise.all(Array.from({ length: count }, () => start('--replicaof', `127.0.0.1 ${primary.known}`)));
  await until(async () => (await primary.ask('WAIT', `${count}`, '100')) === count);
  const folder = mkdtempSync(join(tmpdir(), 'keylease-sentinel-'));
  const port = await freePort();
  const { sentinels = ACCESS } = access;
  const ports = sentinels.tls ? [`port 0`, `tls-port ${port}`] : [`port ${port}`];
  const lines = [...ports, 'bind 127.0.0.1', `dir ${folder}`, `sentinel monitor main 127.0.0.1 ${primary.known} 1`, ...settings];
  writeFileSync(
    join(folder, 'sentinel.conf'),
    [...lines, ...SENTINEL_SETTINGS.map((line) => `sentinel ${line.replace(' ', ' main ')}`), ''].join('\n'),
  );
  const sentinel = run([join(folder, 'sentinel.conf'), '--sentinel']);
  const at = { host: '127.0.0.1', port: await wayTo(port, '127.0.0.1') };
  const servers = [primary, ...replicas];
  await until(async () => {
    const told = JSON.stringify(await askFor({ ...ACCESS, ...sentinels }, at, 'SENTINEL', 'REPLICAS', 'main'));
    return replicas.every(({ known }) => told.includes(`:${known}`));
  });
  return {
    ...{ servers, entries: [at], primary, replica: replicas[0] as RedisServer },
    async stop() {
      sentinel.kill('SIGKILL');
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const CLUSTER_SETTINGS = [
  ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--appendonly', 'yes'],
  ...['--cluster-replica-validity-factor', '0', '--cluster-announce-ip', '127.0.0.1'],
];

/** A Cluster of three primaries with one replica each; done once it serves every slot. */
export async function startCluster({ secured = OPEN, wayTo = straight } = {}): Promise<RedisServers> {
  const argsOf = async (known: number, address: string) => {
    const bus = await freePort();
    const ports = ['--cluster-announce-port', `${known}`, '--cluster-announce-bus-port', `${await wayTo(bus, address)}`];
    const announced = wayTo === straight ? [] : ['--replica-announce-port', `${known}`, ...ports];
    return [...CLUSTER_SETTINGS, '--cluster-port', `${bus}`, ...announced, ...secured.args];
  };
  const servers = await Promise.all(Array.from({ length: 6 }, () => RedisServer.behind(wayTo, argsOf, secured.access)));
  const create = ['--cluster', 'create', ...servers.map(({ known }) => `127.0.0.1:${known}`), '--cluster-replicas', '1', '--cluster-yes'];
  const creating = spawn(tool('redis-cli', BRING) as string, [...secured.cli, ...create], { stdio: 'ignore' });
  await once(creating, 'exit');
  const isUp = async (server: RedisServer) => {
    const info = String(await server.ask('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:6');
  };
  const primaries = servers.slice(0, 3);
  await until(async () => (await Promise.all(servers.map(isUp))).every(Boolean));
  await until(async () => (await Promise.all(primaries.map((server) => server.ask('WAIT', '1', '100')))).every((count) => count === 1));
  return {
    ...{ servers, entries: servers.map(({ known: port }) => ({ host: '127.0.0.1', port })) },
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

export function askAt(at: Endpoint, command: string, ...args: string[]): Promise<Reply> {
  return askFor(ACCESS, at, command, ...args);
}

async function askFor(access: Access, at: Endpoint, command: string, ...args: string[]): Promise<Reply> {
  const connection = await Connection.open(at, access, () => {});
  try {
    return await connection.send(command, ...args);
  } finally {
    connection.close();
  }
}

/** Comes back once the condition holds; throws what it last threw, or that it did not hold, after half a minute. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  for (;;) {
    try {
      if (await holds()) return;
      if (performance.now() > end) throw new Error('the condition does not come to hold');
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Free for now; one that someone takes meanwhile makes the start fail. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
