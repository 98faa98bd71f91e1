import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Access, Connection, type Endpoint, type Reply } from '../../src/store/redis/connection.ts';
import { tool } from './tool.ts';

/** The server; null: it is not installed. */
export const redisServer = tool('redis-server', 'apt-get install redis-server redis-sentinel');

/** How tests talk to it. */
export const ACCESS: Access = { tls: false, username: undefined, password: undefined, database: 0, timeoutMs: 500 };

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
    this.#process = spawn(redisServer as string, [...args, ...this.#args], { stdio: 'ignore' });
    await until(async () => (await this.ask('PING')) === 'PONG');
  }

  async ask(command: string, ...args: string[]): Promise<Reply> {
    const connection = await Connection.open(this.at, ACCESS, () => {});
    try {
      return await connection.send(command, ...args);
    } finally {
      connection.close();
    }
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
