import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Child {
  readonly process: ChildProcess;
  /** The lines that were printed in full so far. */
  readonly lines: string[];
  /** Waits for as many lines. */
  printed(count: number): Promise<void>;
  /** Kills with SIGKILL and waits until all it printed was read. */
  kill(): Promise<void>;
}

/** Starts `store-process.ts` in a process of its own. */
export function startChild(...args: string[]): Child {
  const child = spawn(process.execPath, [new URL('store-process.ts', import.meta.url).pathname, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
    child.emit('lines');
  });
  return {
    process: child,
    lines,
    async printed(count) {
      while (lines.length < count)
        await Promise.race([once(child, 'lines'), closed.then(() => Promise.reject(new Error('the child ended')))]);
    },
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
