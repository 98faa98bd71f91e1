import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { addressesOf, newFolder, serve, writeConfig } from '../e2e/process.ts';
import { healthClient } from '../grpc/health.ts';
import { connectTo, keyOf, onePool } from '../support/app.ts';
import { tool } from '../support/tool.ts';
import { leasesUnderWay, lostSettlements, streamClient, Told, unaryClient } from './clients.ts';

const CLIENTS = 6;
const SLOW_COMMIT_MS = Number(process.env.SLOW_COMMIT_MS ?? 250);

const CONTENT = onePool([keyOf('a', { max_leases: 1_000_000 }), keyOf('b', { max_leases: 1_000_000 })], {
  lease: { ttl: '6h', max_ttl: '6h' },
});

interface Trouble {
  readonly config: string;
  readonly address: string;
  readonly process: ChildProcess;
  cause(): unknown;
  cure(): unknown;
}

/** The service in a process whose disk does as it is told. */
async function onBadDisk(folder: string, slowMs = 0): Promise<Trouble> {
  const config = writeConfig(folder, CONTENT);
  const child = fork(new URL('./server-on-bad-disk.ts', import.meta.url), [config, String(slowMs)]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [address] = (await once(child, 'message')) as [string];
  return { config, address, process: child, cause: () => child.send('read-only'), cure: () => child.send('writable') };
}

/** `keylease serve`, whose files may not grow for as long as the trouble lasts. */
async function withFileSizeLimit(folder: string): Promise<Trouble> {
  const config = writeConfig(folder, CONTENT);
  const served = serve(config);
  const [address] = (await addressesOf(served)) as [string];
  const limit = (soft: string) => spawnSync(prlimit as string, ['--pid', String(served.process.pid), `--fsize=${soft}:unlimited`]);
  return { config, address, process: served.process, cause: () => limit('4096'), cure: () => limit('unlimited') };
}

/** `keylease serve` on a file system of 64 MiB, several times what its log may grow to, which something else fills up. */
async function onSmallDisk(folder: string): Promise<Trouble> {
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder]).status).toBe(0);
  onTestFinished(() => void spawnSync('umount', ['-l', folder]));
  const ballast = join(folder, 'ballast');
  const config = writeConfig(folder, CONTENT);
  const served = serve(config);
  const [address] = (await addressesOf(served)) as [string];
  return { config, address, process: served.process, cause: () => fill(ballast), cure: () => rmSync(ballast) };
}

/** What does not fit whole is written by halves. */
function fill(path: string): void {
  for (let size = 8 * 1_024 * 1_024; size > 1_000; ) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      size = Math.floor(size / 2);
    }
  }
}

const prlimit = tool('prlimit', 'apt-get install util-linux');

/** Mounting takes root, which not everybody is. */
const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

/**
 * Works on a server before, during and after its trouble, kills it, starts it again: no client may have been told of a lease or a
 * settlement that was not committed.
 */
async function endure({ config, address, process: server, cause, cure }: Trouble): Promise<void> {
  const health = healthClient(address).watch('');
  const told = new Told();
  let isOver = false;
  const unary = Array.from({ length: CLIENTS }, () => unaryClient(address, told, () => isOver));
  const streams = Array.from({ length: CLIENTS }, () => streamClient(address, told, () => isOver));
  const grown = async () => {
    const before = told.granted.size;
    await expect.poll(() => told.granted.size, { timeout: 30_000 }).toBeGreaterThan(before + 20);
  };
  await grown();
  cause();
  await expect.poll(() => health.told, { timeout: 30_000 }).toEqual(['SERVING', 'NOT_SERVING']);
  const grantedBefore = told.granted.size;
  await sleep(200);
  // Of what was committed before, answers may still have been on their way.
  expect(told.granted.size - grantedBefore).toBeLessThan(CLIENTS * 32);
  cure();
  await expect.poll(() => health.told, { timeout: 30_000 }).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
  await grown();
  isOver = true;
  await Promise.all([...unary, ...streams]);
  expect([...told.statuses.keys()].sort()).toEqual(['OK', 'UNAVAILABLE']);

  const exit = once(server, 'exit');
  server.kill('SIGKILL');
  await exit;
  const again = connectTo((await addressesOf(serve(config)))[0]!);
  const known = new Set(await leasesUnderWay(again));
  expect(told.underWay().filter((id) => !known.has(id) && !told.unsure.has(id))).toEqual([]);
  expect(await lostSettlements(again, told)).toEqual([]);
  process.stdout.write(`calls ${told.calls}, granted ${told.granted.size}, handed out without a commit 0\n`);
}

test('a disk that turns read-only and back: refused while it lasts, nothing is told that is not kept', async () => {
  await endure(await onBadDisk(newFolder()));
});

describe.skipIf(prlimit === null)('with prlimit', () => {
  test('files that may not grow: refused while it lasts, nothing is told that is not kept', async () => {
    await endure(await withFileSizeLimit(newFolder()));
  });
});

describe.skipIf(!canMount)('with a file system of its own', () => {
  test('a disk that fills up and is emptied: refused while it lasts, nothing is told that is not kept', async () => {
    await endure(await onSmallDisk(newFolder()));
  });
});

test('killed in the middle of a slow commit: nothing was told that was not kept', async () => {
  const { config, address, process: server } = await onBadDisk(newFolder(), SLOW_COMMIT_MS);
  const told = new Told();
  let isOver = false;
  const clients = [
    ...Array.from({ length: CLIENTS }, () => unaryClient(address, told, () => isOver)),
    ...Array.from({ length: CLIENTS }, () => streamClient(address, told, () => isOver)),
  ];
  await expect.poll(() => told.calls, { timeout: 60_000 }).toBeGreaterThan(CLIENTS * 4);
  await sleep(SLOW_COMMIT_MS / 2);
  const exit = once(server, 'exit');
  server.kill('SIGKILL');
  await exit;
  isOver = true;
  await Promise.all(clients);
  const again = connectTo((await addressesOf(serve(config)))[0]!);
  const known = new Set(await leasesUnderWay(again));
  expect(told.underWay().filter((id) => !known.has(id) && !told.unsure.has(id))).toEqual([]);
  expect(await lostSettlements(again, told)).toEqual([]);
  expect([...told.statuses.keys()].sort()).toEqual(['OK', 'UNAVAILABLE']);
  process.stdout.write(`commits of ${SLOW_COMMIT_MS} ms: granted ${told.granted.size}, handed out without a commit 0\n`);
});
