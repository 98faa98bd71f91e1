import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const CLOCK = new URL('./stepping-clock.ts', import.meta.url).pathname;

/** Whatever becomes of the run, no replica outlives the process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One `keylease serve` among those that share a store; it can be killed and started again. */
export class Replica {
  readonly number: number;
  readonly #config: string;
  #process: ChildProcess | undefined;
  #told = '';
  /** Where it listens in this life; null: it does not run. */
  address: string | null = null;

  constructor(number: number, folder: string, config: unknown) {
    this.number = number;
    this.#config = join(folder, `replica-${number}.yaml`);
    writeFileSync(this.#config, JSON.stringify(config));
  }

  /** Starts it; done once it serves. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--import', CLOCK, MAIN, 'serve', '--config', this.#config], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#process = child;
    this.#told = '';
    let isOver = false;
    child.once('exit', () => {
      isOver = true;
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
        return;
      }
      if (isOver) throw new Error(`a replica does not start: ${this.#told}`);
      await once(child, 'told');
    }
  }

  /** What it said in this life. */
  get told(): string {
    return this.#told;
  }

  /** Ends it as a crash would; answers whether it ran until then. */
  async kill(): Promise<boolean> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    this.address = null;
    return child.signalCode === 'SIGKILL';
  }

  /** What the system calls its state: T is stopped. */
  get state(): string {
    const stat = readFileSync(`/proc/${this.#process?.pid}/stat`, 'utf8');
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
