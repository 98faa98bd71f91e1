import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';

/** No block of a document takes longer. */
const BLOCK_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 180_000;

/** What a service logs once it answers. */
const IS_UP = 'keylease serves';

/** A shell in which the blocks of a document are run one after another, as its reader would. */
export class Shell {
  readonly #bash: ChildProcessWithoutNullStreams;
  #out = '';
  #err = '';
  #ended: string | undefined;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    // A group of its own, so that whatever a document started ends with it.
    this.#bash = spawn('bash', ['-s'], { cwd: folder, env, detached: true });
    this.#bash.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
    });
    this.#bash.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text;
    });
    // Not 'close': what it started in the background may hold its output open.
    this.#bash.once('exit', (code) => {
      this.#ended = `the shell ended with ${code}`;
    });
    this.#bash.stdin.write('set -euo pipefail\n');
  }

  /** Runs commands to their end; answers what they wrote to standard output, or throws with what they wrote to standard error. */
  async run(commands: string): Promise<string> {
    const mark = `done-${randomUUID()}`;
    this.#out = '';
    this.#err = '';
    this.#bash.stdin.write(`${commands}\necho ${mark}\n`);
    await this.#until(() => this.#out.includes(mark), BLOCK_TIMEOUT_MS);
    return this.#out.slice(0, this.#out.indexOf(mark));
  }

  /** Runs commands in the background, and goes on once a service is up. */
  async start(commands: string): Promise<void> {
    this.#out = '';
    this.#err = '';
    const mark = `ended-${randomUUID()}`;
    this.#bash.stdin.write(`{ (\n${commands}\n) || true; echo ${mark}; } &\n`);
    await this.#until(() => this.#out.includes(IS_UP) || this.#out.includes(mark), START_TIMEOUT_MS);
    if (!this.#out.includes(IS_UP)) throw new Error(`the service did not start\n${this.#out}${this.#err}`);
  }

  /** Ends the shell and everything that it started. */
  async end(): Promise<void> {
    const closed = this.#ended === undefined ? new Promise((resolve) => this.#bash.once('exit', resolve)) : undefined;
    try {
      process.kill(-(this.#bash.pid as number), 'SIGTERM');
    } catch {
      // Nothing of the group runs any more.
    }
    await closed;
  }

  async #until(holds: () => boolean, timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (!holds()) {
      if (this.#ended !== undefined) throw new Error(`${this.#ended}\n${this.#out}${this.#err}`);
      if (Date.now() > end) throw new Error(`not done within ${timeoutMs} ms\n${this.#out}${this.#err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
