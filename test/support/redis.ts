import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Access, Connection, type Endpoint, type Reply } from '../../src/store/redis/connection.ts';
import { tool } from './tool.ts';

const BRING = 'apt-get install redis-server redis-sentinel';

/** The server; null: it is not installed. */
export const redisServer = tool('redis-server', BRING);

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

/** One server on a port and in a folder of its own. */
export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'keylease-redis-'));
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** `args` are settings as on the command line, such as `--appendonly yes`. */
  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
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
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#folder, '--save', '', '--repl-diskless-sync-delay', '0'];
    this.#process = run([...args, ...this.#args]);
    await until(async () => (await this.ask('PING')) === 'PONG');
  }

  ask(command: string, ...args: string[]): Promise<Reply> {
    return askAt(this.at, command, ...args);
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

const SENTINEL_SETTINGS = ['down-after-milliseconds 500', 'failover-timeout 3000', 'parallel-syncs 1'];

/** A primary, a replica of it, and a Sentinel that calls the primary `main`; done once the replica is in step. */
export async function startSentinel(): Promise<RedisServers & { readonly primary: RedisServer; readonly replica: RedisServer }> {
  const primary = await RedisServer.start('--appendonly', 'yes', '--repl-diskless-load', 'disabled');
  const replica = await RedisServer.start('--appendonly', 'yes', '--replicaof', `127.0.0.1 ${primary.port}`);
  await until(async () => (await primary.ask('WAIT', '1', '100')) === 1);
  const folder = mkdtempSync(join(tmpdir(), 'keylease-sentinel-'));
  const port = await freePort();
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, `sentinel monitor main 127.0.0.1 ${primary.port} 1`];
  writeFileSync(
    join(folder, 'sentinel.conf'),
    [...lines, ...SENTINEL_SETTINGS.map((line) => `sentinel ${line.replace(' ', ' main ')}`), ''].join('\n'),
  );
  const sentinel = run([join(folder, 'sentinel.conf'), '--sentinel']);
  const at = { host: '127.0.0.1', port };
  await until(async () => JSON.stringify(await askAt(at, 'SENTINEL', 'REPLICAS', 'main')).includes(`:${replica.port}`));
  return {
    ...{ servers: [primary, replica], entries: [at], primary, replica },
    async stop() {
      sentinel.kill('SIGKILL');
      await Promise.all([primary.stop(), replica.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A Cluster of three primaries with one replica each; done once it serves every slot. */
export async function startCluster(): Promise<RedisServers> {
  const args = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '1000',
    '--appendonly',
    'yes',
    '--cluster-replica-validity-factor',
    '0',
  ];
  const servers = await Promise.all(Array.from({ length: 6 }, () => RedisServer.start(...args)));
  const create = ['--cluster', 'create', ...servers.map(({ port }) => `127.0.0.1:${port}`), '--cluster-replicas', '1', '--cluster-yes'];
  const creating = spawn(tool('redis-cli', BRING) as string, create, { stdio: 'ignore' });
  await once(creating, 'exit');
  const isUp = async (server: RedisServer) => {
    const info = String(await server.ask('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:6');
  };
  const primaries = servers.slice(0, 3);
  await until(async () => (await Promise.all(servers.map(isUp))).every(Boolean));
  await until(async () => (await Promise.all(primaries.map((server) => server.ask('WAIT', '1', '100')))).every((count) => count === 1));
  return {
    ...{ servers, entries: servers.map(({ at }) => at) },
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

export async function askAt(at: Endpoint, command: string, ...args: string[]): Promise<Reply> {
  const connection = await Connection.open(at, ACCESS, () => {});
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
