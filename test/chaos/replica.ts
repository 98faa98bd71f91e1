import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const CLOCK = new URL('./stepping-clock.ts', import.meta.url).pathname;
const CALLING = new URL('./calling-from.ts', import.meta.url).pathname;

const STARTS_MAX = 5;

/** How much of its last words is kept. */
const CRASH_CHARACTERS = 2_000;

/** Whatever becomes of the run, no replica outlives the process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One `keylease serve` among those that share a store; it can be killed and started again. */
export class Replica {
  readonly number: number;
  /** The address from which it calls its store. */
  readonly callsFrom: string;
  readonly #config: string;
  #process: ChildProcess | undefined;
  #told = '';
  /** Where it listens in this life; null: it does not run. */
  address: string | null = null;
  /** What it said last where it ended without being told to; null: it did not. */
  crash: string | null = null;

  constructor(number: number, folder: string, config: unknown) {
    this.number = number;
    this.callsFrom = `127.0.2.${number + 1}`;
    this.#config = join(folder, `replica-${number}.yaml`);
    writeFileSync(this.#config, JSON.stringify(config));
  }

  /** Starts it, and again where its store is lost meanwhile, as whoever keeps it running does; done once it serves. */
  async start(): Promise<void> {
    for (let left = STARTS_MAX; !(await this.#tryStart()); left -= 1) {
      if (left === 1) throw new Error(`a replica does not start: ${this.#told}`);
    }
  }

  async #tryStart(): Promise<boolean> {
    const child = spawn(process.execPath, ['--import', CLOCK, '--import', CALLING, MAIN, 'serve', '--config', this.#config], {
      env: { ...process.env, CALLING_FROM: this.callsFrom },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#process = child;
    this.#told = '';
    let isOver = false;
    child.once('exit', () => {
      isOver = true;
      if (this.address !== null) this.crash = `replica ${this.number} ended by itself: ${this.#told.slice(-CRASH_CHARACTERS)}`;
      child.emit('told');
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#told += text;
        child.emit('told');
      });
    }
    for (;;) {
      const [, address] = /"listen":\["([^"]+)"\].*keylease serves/.exec(this.#told) ?? [];
      if (address !== undefined) {
        this.address = address;
        return true;
      }
      if (isOver) return false;
      await once(child, 'told');
    }
  }

  /** Ends it as a crash would; answers whether it ran until then. */
  async kill(): Promise<boolean> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    const exit = once(child, 'exit');
    this.address = null;
    child.kill('SIGKILL');
    await exit;
    return child.signalCode === 'SIGKILL';
  }

  /** What the system calls its state: T is stopped; empty: it is gone. */
  get state(): string {
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) return '';
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    return /\) (\w)/.exec(stat)?.[1] ?? '';
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** Makes its wall clock step; answers how far it went. */
  async stepClock(byMs: number): Promise<number> {
    const child = this.#process as ChildProcess;
    const told = once(child, 'message');
    child.send(byMs);
    return (await told)[0] as number;
  }
}
