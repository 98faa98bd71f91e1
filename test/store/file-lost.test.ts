import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import type { Change } from '../../src/pool/model.ts';
import { openFileStore } from '../../src/store/file.ts';
import { openSqlite } from '../../src/store/file-disk.ts';
import { type Store, StoreLost } from '../../src/store/store.ts';
import { temporaryFolders } from './folder.ts';
import { makeKey, makeLease, makePool } from './records.ts';

const newFolder = temporaryFolders();
const pool = makePool();
const PAGE = 4_096;

/** A store whose database obeys a pragma more whenever `broken` is set. */
function breakableStore() {
  const databases: DatabaseSync[] = [];
  let broken: string | null = null;
  const openDatabase = (path: string) => {
    const database = openSqlite(path);
    if (broken !== null) database.exec(broken);
    databases.push(database);
    return database;
  };
  const folder = newFolder();
  const store = openFileStore({ folder, openDatabase });
  onTestFinished(() => store.close());
  return {
    store,
    folder,
    databases,
    breakWith(pragma: string) {
      broken = pragma;
      databases.at(-1)!.exec(pragma);
    },
    mend() {
      broken = null;
    },
  };
}

/** Everything that was said about the health of a store, and a way to wait until so much was said. */
function healthOf(store: Store) {
  const said: (Error | null)[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  store.onHealth((cause) => {
    said.push(cause);
    for (const { resolve } of waiting.filter(({ count }) => said.length >= count)) resolve();
  });
  return { said, until: (count: number) => new Promise<void>((resolve) => waiting.push({ count, resolve })) };
}

/** A change that needs more pages than the database has. */
function large(id: string): Change {
  return { pool: 'p', keys: [makeKey({ id, account: 'a'.repeat(10 * PAGE) })], leases: [makeLease({ id })] };
}

async function reasonOf(answer: Promise<unknown>): Promise<Error> {
  return answer.then(
    () => expect.fail('it was applied'),
    (error) => error,
  );
}

test.each([
  { name: 'is full', pragma: 'PRAGMA max_page_count = 1', errcode: 13 },
  { name: 'became read-only', pragma: 'PRAGMA query_only = 1', errcode: 8 },
])(
  'a disk that $name loses the store: the batch is refused, reads throw, and nothing of it is there afterwards',
  async ({ pragma, errcode }) => {
    const { store, breakWith, mend } = breakableStore();
    await store.apply({ pool: 'p', keys: [makeKey()], leases: [makeLease()] });
    const { sequence } = store.read(pool);
    const health = healthOf(store);
    const heard: Change[] = [];
    store.onChange((change) => heard.push(change));

    breakWith(pragma);
    const batch = [
      store.apply(large('a')),
      store.apply({ pool: 'p', keys: [makeKey({ version: 1 })], ended: ['l1'] }),
      store.apply({ pool: 'p' }),
    ];
    const reasons = await Promise.all(batch.map(reasonOf));
    expect(reasons.map((reason) => reason instanceof StoreLost)).toEqual([true, true, true]);
    expect(reasons[0]?.cause).toMatchObject({ errcode });
    expect(() => store.read(pool)).toThrow(StoreLost);
    await expect(store.apply({ pool: 'p' })).rejects.toThrow(StoreLost);
    expect(health.said).toEqual([reasons[0]?.cause]);

    mend();
    await health.until(2);
    expect(health.said).toEqual([reasons[0]?.cause, null]);
    const facts = store.read(pool);
    expect([facts.key('a'), facts.lease('a')]).toEqual([undefined, undefined]);
    expect([facts.key('k1'), facts.lease('l1'), facts.sequence]).toEqual([makeKey({ version: 1 }), makeLease(), sequence]);
    expect(heard).toEqual([]);
    expect(await store.apply(large('a'))).toBe('applied');
    expect(heard).toHaveLength(1);
  },
);

test('a lost store tries again until the disk can be written, and says so only then', async () => {
  const { store, databases, breakWith, mend } = breakableStore();
  const health = healthOf(store);
  breakWith('PRAGMA query_only = 1');
  await reasonOf(store.apply({ pool: 'p', keys: [makeKey()] }));
  await expect.poll(() => databases.length, { timeout: 5_000 }).toBe(3);
  expect(health.said).toHaveLength(1);
  expect(() => store.read(pool)).toThrow(StoreLost);
  expect(databases.map((database) => database.isOpen)).toEqual([false, false, false]);
  mend();
  await health.until(2);
  expect(await store.apply({ pool: 'p', keys: [makeKey()] })).toBe('applied');
});

test('time goes on while the store is lost, and does not step back when it is found', async () => {
  const { store, breakWith, mend } = breakableStore();
  const health = healthOf(store);
  breakWith('PRAGMA query_only = 1');
  await reasonOf(store.apply({ pool: 'p', keys: [makeKey()] }));
  const lost = store.now();
  mend();
  await health.until(2);
  expect(store.now()).toBeGreaterThan(lost);
});

test('what the operator and the wire are told names neither record nor statement', async () => {
  const { store, breakWith } = breakableStore();
  breakWith('PRAGMA query_only = 1');
  const reason = await reasonOf(store.apply({ pool: 'p', leases: [makeLease({ id: 'bearer' })] }));
  expect(reason.message).toBe('the store cannot write to its disk');
  expect(String(reason.cause)).not.toContain('bearer');
});

test('a lost store can be closed, tries no more, and leaves its folder free', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { store, databases, folder, breakWith } = breakableStore();
  breakWith('PRAGMA query_only = 1');
  await reasonOf(store.apply({ pool: 'p', keys: [makeKey()] }));
  await store.close();
  vi.advanceTimersByTime(60_000);
  expect(databases).toHaveLength(1);
  await openFileStore({ folder }).close();
});

test('closing on a disk that cannot be written refuses what was pending, and leaves the folder free', async () => {
  const { store, folder, breakWith } = breakableStore();
  breakWith('PRAGMA query_only = 1');
  const reason = reasonOf(store.apply({ pool: 'p', keys: [makeKey()] }));
  await store.close();
  expect(await reason).toBeInstanceOf(StoreLost);
  await openFileStore({ folder }).close();
});

const mountPoint = newFolder();
const mounted = mountTmpfs(mountPoint);
afterAll(() => void spawnSync('umount', ['-l', mountPoint]));

function mountTmpfs(path: string): boolean {
  mkdirSync(path);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]).status === 0;
}

test.skipIf(!mounted)(
  'a real disk that fills up: what was acknowledged is kept, what was refused is not there, and the store comes back with the space',
  async () => {
    const ballast = join(mountPoint, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    const store = openFileStore({ folder: join(mountPoint, 'data') });
    const health = healthOf(store);
    const lost = health.until(1);
    const acknowledged: string[] = [];
    let refused: Error | undefined;
    for (let n = 0; refused === undefined; n++) {
      await store.apply(large(`k${n}`)).then(
        () => acknowledged.push(`k${n}`),
        (error) => {
          refused = error;
        },
      );
    }
    await lost;
    expect(refused).toBeInstanceOf(StoreLost);
    expect(acknowledged.length).toBeGreaterThan(0);
    rmSync(ballast);
    await expect.poll(() => health.said.at(-1), { timeout: 10_000 }).toBeNull();
    const leases = Array.from(store.read(pool).leases(), (lease) => lease.id);
    expect(leases.sort()).toEqual(acknowledged.sort());
    expect(await store.apply(large('after'))).toBe('applied');
    await store.close();
  },
);
