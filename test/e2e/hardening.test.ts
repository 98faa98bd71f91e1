import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { revealingOptions } from '../../src/cli/harden.ts';
import { connectTo, keyOf, onePool } from '../support/app.ts';
import { tool } from '../support/tool.ts';
import { addressesOf, newFolder, type Served, serve, writeConfig } from './process.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const CANARY = 'sk-canary-5Jc8_mN3vB7kX2';

/** Runs a command with an environment of its own; it is gone when the test is over. */
function run(command: string, args: readonly string[], env: Record<string, string> = {}, cwd?: string): ChildProcess {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const closed = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return child;
}

async function endOf(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  await once(child, 'close');
  return { code: child.exitCode, err };
}

const isLinux = process.platform === 'linux';

/** How many TCP ports a process listens on. */
function listening(pid: number): number {
  const inodes = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]];
    } catch {
      return [];
    }
  });
  const lines = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n').slice(1));
  const open = new Set(
    lines
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === '0A')
      .map((columns) => columns[9]),
  );
  return inodes.filter((inode) => inode !== undefined && open.has(inode)).length;
}

describe.skipIf(!isLinux)('SIGUSR1', () => {
  test('opens the inspector of a Node that runs something else, which these tests would see', async () => {
    const child = run(process.execPath, ['--inspect-port=0', '-e', 'setInterval(() => {}, 1000); console.log("up")']);
    await once(child.stdout!, 'data');
    child.kill('SIGUSR1');
    await expect.poll(() => listening(child.pid!), { timeout: 20_000 }).toBe(1);
  });

  test('opens nothing in a service that runs, and the log says so', async () => {
    const served: Served = serve(writeConfig(newFolder(), onePool([keyOf('a')])), { NODE_OPTIONS: '--inspect-port=0' });
    const [address] = await addressesOf(served);
    const pid = served.process.pid!;
    expect(listening(pid)).toBe(1);
    served.process.kill('SIGUSR1');
    await served.logged('SIGUSR1 does nothing here: the inspector stays closed');
    served.process.kill('SIGUSR1');
    await connectTo(address!).admin.listKeys({});
    await expect.poll(() => served.log().filter(({ msg }) => String(msg).startsWith('SIGUSR1')).length).toBe(2);
    expect(listening(pid)).toBe(1);
  }, 60_000);
});

test.each([
  ['--inspect=0', [], '--inspect'],
  ['--heapsnapshot-signal=SIGUSR2', [], '--heapsnapshot-signal'],
  ['--report-on-signal', [], '--report-on-signal'],
  ['', ['--heapsnapshot_signal=SIGUSR2'], '--heapsnapshot-signal'],
])('a service does not start with NODE_OPTIONS "%s" and options %j', async (nodeOptions, args, told) => {
  const config = writeConfig(newFolder(), onePool([keyOf('a', { secret: CANARY })]));
  const child = run(process.execPath, [...args, MAIN, 'serve', '--config', config], { NODE_OPTIONS: nodeOptions });
  const { code, err } = await endOf(child);
  expect(code).toBe(2);
  expect(err).toContain(`Node runs with ${told}, which would show the upstream keys: start without it`);
});

test.each([
  [['--inspect-brk=9229'], '', ['--inspect-brk']],
  [[], '--max-old-space-size=100 --report-uncaught-exception', ['--report-uncaught-exception']],
  [['--heapsnapshot_near_heap_limit=3'], '', ['--heapsnapshot-near-heap-limit']],
  [['--inspect-port=0', '--disable-sigusr1'], '--enable-source-maps', []],
])('of the options %j and NODE_OPTIONS "%s", those that reveal are %j', (args, nodeOptions, revealing) => {
  expect(revealingOptions(args, nodeOptions)).toEqual(revealing);
});

/** Whether a crash can leave a core file in the working folder: many systems hand it to a program of their own. */
const leavesCores =
  isLinux &&
  !/^[|/]/.test(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')) &&
  !/^Max core file size +\d+ +0 /m.test(readFileSync('/proc/self/limits', 'utf8'));
if (!leavesCores) process.stderr.write('tests of core files are left out here; bring them with: sysctl -w kernel.core_pattern=core\n');
const shell = leavesCores ? tool('bash', 'apt-get install bash') : null;

/** The core files of a folder that contain the canary, and how many there are. */
function cores(folder: string): { files: number; withCanary: number } {
  const files = readdirSync(folder).filter((name) => name.startsWith('core'));
  return { files: files.length, withCanary: files.filter((name) => readFileSync(join(folder, name)).includes(CANARY)).length };
}

describe.skipIf(shell === null)('a process that is aborted', () => {
  const withCores = 'ulimit -c unlimited && exec "$@"';

  test('leaves a core file with what it knows, where it is not a service', async () => {
    const folder = newFolder();
    await endOf(run(shell!, ['-c', withCores, '-', process.execPath, '-e', 'process.abort()'], { CANARY }, folder));
    expect(cores(folder)).toEqual({ files: 1, withCanary: 1 });
  });

  test('leaves no core file with a secret, where it is a service', async () => {
    const folder = newFolder();
    const config = writeConfig(folder, onePool([keyOf('a', { secret: { env: 'CANARY' } })]));
    const child = run(shell!, ['-c', withCores, '-', process.execPath, MAIN, 'serve', '--config', config], { CANARY }, folder);
    await once(child.stdout!, 'data');
    child.kill('SIGABRT');
    await endOf(child);
    expect(child.signalCode).toBe('SIGABRT');
    expect(cores(folder).withCanary).toBe(0);
  });
});
