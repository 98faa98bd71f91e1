import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ConfigContent } from '../support/app.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** A folder of its own, gone when the test is over. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-e2e-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a configuration into a folder, with its store there; answers its path. */
export function writeConfig(folder: string, content: ConfigContent): string {
  const path = join(folder, 'keylease.yaml');
  writeFileSync(
    path,
    JSON.stringify({ listen: '127.0.0.1:0', ops: false, store: { kind: 'file', path: join(folder, 'data') }, ...content }),
  );
  return path;
}

/** `keylease serve` in a process of its own. */
export interface Served {
  readonly process: ChildProcess;
  /** What it printed so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** The lines of its log so far. */
  readonly log: () => Readonly<Record<string, unknown>>[];
  /** Waits for a line of its log; throws where the process ends before. */
  logged(message: string): Promise<Readonly<Record<string, unknown>>>;
  /** Resolves with the exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts `node src/main.ts serve`; whatever happens in the test, the process is gone when it is over. */
export function serve(config: string, env: Readonly<Record<string, string>> = {}, more: readonly string[] = []): Served {
  const args = [MAIN, 'serve', '--config', config, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const told = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told.out += text;
    child.emit('told');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told.err += text;
  });
  const closed = once(child, 'close').then(() => child.exitCode);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const log = () =>
    told.out
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map(parsed);
  const logged = async (message: string) => {
    for (;;) {
      const line = log().find(({ msg }) => msg === message);
      if (line !== undefined) return line;
      await Promise.race([once(child, 'told'), closed.then(() => Promise.reject(new Error(`the process ended: ${told.err}`)))]);
    }
  };
  return { process: child, out: () => told.out, err: () => told.err, log, logged, ended: closed };
}

/** The addresses of a process that serves, once it does. */
export async function addressesOf(served: Served): Promise<readonly string[]> {
  return (await served.logged('keylease serves')).listen as string[];
}

/** A line that is not complete yet is none. */
function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
