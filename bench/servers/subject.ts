import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Connection } from '../load/connection.ts';
import { onServerCore } from '../machine.ts';
import type { Usage } from './answer-lines.ts';

/** A word that is not answered in this time means a server that hangs. */
const ANSWER_MS_MAX = 60_000;

/** A server in a process of its own, on the servers' core. */
export class Subject {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #connection: Promise<Connection> | undefined;

  /** Starts a command, and resolves once it listens. */
  static async start(command: readonly string[]): Promise<Subject> {
    const [program, ...args] = onServerCore(command);
    const child = spawn(program as string, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { address } = await parsed<{ address: string }>(lines);
    return new Subject(child, lines, address);
  }

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, address: string) {
    this.#child = child;
    this.#lines = lines;
    this.address = address;
  }

  /** The connection over which it is loaded. */
  connection(): Promise<Connection> {
    this.#connection ??= Connection.open(this.address);
    return this.#connection;
  }

  usage(): Promise<Usage> {
    return this.#ask('usage');
  }

  /** Ends what leases it holds; a server that holds none does nothing. */
  release(): Promise<object> {
    return this.#ask('release');
  }

  /** Resolves once the process is gone. */
  async stop(): Promise<void> {
    (await this.#connection)?.close();
    const gone = new Promise<void>((resolve) => void this.#child.once('exit', () => resolve()));
    this.#child.stdin?.end();
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(kill);
  }

  #ask<T>(word: string): Promise<T> {
    this.#child.stdin?.write(`${word}\n`);
    return parsed<T>(this.#lines);
  }
}

async function parsed<T>(lines: AsyncIterator<string>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('a measured server does not answer')), ANSWER_MS_MAX);
  const { value, done } = await Promise.race([lines.next(), late.promise]).finally(() => clearTimeout(timer));
  if (done) throw new Error('a measured server has ended; what it said stands above');
  return JSON.parse(value);
}
