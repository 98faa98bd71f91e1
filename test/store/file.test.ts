import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PoolConfig } from '../../src/pool/model.ts';
import { openFileStore } from '../../src/store/file.ts';
import { storeContract, TestTime } from './contract.ts';
import { temporaryFolders } from './folder.ts';
import { expectModel, followsModel, intents } from './model.ts';
import { makeKey, makeLease, makePool, makeRequest } from './records.ts';

const newFolder = temporaryFolders();
const pool = makePool();

storeContract('file', (time) => openFileStore({ folder: newFolder(), ...time }));

/** The rows of a table, read as an operator would while the store is open. */
function rows(folder: string, sql: string): unknown[] {
  const database = new DatabaseSync(join(folder, 'keylease.db'), { readOnly: true });
  const all = database.prepare(sql).all();
  database.close();
  return all.map((row) => ({ ...row }));
}

test('every record survives a restart, whatever was changed before', async () => {
  const property = fc.asyncProperty(intents, async (all) => {
    const folder = newFolder();
    const before = openFileStore({ folder });
    const model = await followsModel(before, all);
    const { sequence } = before.read(pool);
    await before.close();
    const after = openFileStore({ folder });
    expectModel(after, model);
    expect(after.read(pool).sequence).toBe(sequence);
    await followsModel(after, all, model).finally(() => after.close());
  });
  await fc.assert(property, { numRuns: 40 });
}, 60_000);

test('closing commits what is pending', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder });
  const answer = store.apply({ pool: 'p', keys: [makeKey()] });
  await store.close();
  expect(await answer).toBe('applied');
  expect(readdirSync(folder).sort()).toEqual(['keylease.db', 'lock.db']);
  const again = openFileStore({ folder });
  expect(again.read(pool).key('k1')).toEqual(makeKey({ version: 1 }));
  await again.close();
});

test('a closed store says so, and can be closed again', async () => {
  const store = openFileStore({ folder: newFolder() });
  await store.close();
  await store.close();
  expect(() => store.read(pool)).toThrow('the store is closed');
  await expect(store.apply({ pool: 'p' })).rejects.toThrow('the store is closed');
});

test('the installation key is made once', async () => {
  const [folder, other] = [newFolder(), newFolder()];
  const stores = [folder, other].map((folder) => openFileStore({ folder }));
  const [key, otherKey] = stores.map((store) => store.installationKey);
  await Promise.all(stores.map((store) => store.close()));
  const again = openFileStore({ folder });
  expect(again.installationKey).toEqual(key);
  expect(again.installationKey).not.toEqual(otherKey);
  await again.close();
});

test('a restart with an earlier wall clock goes on from the time of the earlier run', async () => {
  const folder = newFolder();
  const time = new TestTime();
  const store = openFileStore({ folder, ...time });
  time.advance(5_000);
  const newest = store.now();
  await store.close();
  const again = openFileStore({ folder, wall: () => time.wall() - 86_400_000, monotonic: () => 0 });
  expect(again.now()).toBe(newest);
  await again.close();
});

test('a lease that expired while nothing ran is still there: ending it is not for a store to decide', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder, ...new TestTime() });
  await store.apply({ pool: 'p', leases: [makeLease({ expireTime: 1_000_001 })] });
  await store.close();
  const again = openFileStore({ folder, wall: () => 9_000_000 });
  expect([...again.read(pool).leasesOfKey('k1')]).toHaveLength(1);
  await again.close();
});

test('request records are forgotten on disk too, also those of an earlier run', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder, ...new TestTime() });
  await store.apply({
    pool: 'p',
    requests: [makeRequest({ forgetTime: 1_000_100 }), makeRequest({ requestId: 'r2', forgetTime: 2_000_000 })],
  });
  await store.close();
  const again = openFileStore({ folder, wall: () => 1_500_000 });
  await again.apply({ pool: 'p', keys: [makeKey()] });
  expect(rows(folder, 'SELECT pool, holder, request_id FROM requests')).toEqual([{ pool: 'p', holder: 'h', request_id: 'r2' }]);
  await again.close();
});

test('the changes of one turn share one transaction, in which each row is written once', async () => {
  const statements: string[] = [];
  const openDatabase = (path: string) => {
    const database = new DatabaseSync(path);
    const log = { prepare: (sql: string) => counted(database, sql) };
    return new Proxy(database, { get: (target, name) => Reflect.get(log, name) ?? bound(target, name) });
  };
  const counted = (database: DatabaseSync, sql: string) => {
    const statement = database.prepare(sql);
    const run: typeof statement.run = (...values: never[]) => {
      statements.push(sql.split(' VALUES')[0]!);
      return statement.run(...values);
    };
    return new Proxy(statement, { get: (target, name) => (name === 'run' ? run : bound(target, name)) });
  };
  const bound = (target: object, name: string | symbol) => {
    const value = Reflect.get(target, name);
    return typeof value === 'function' ? value.bind(target) : value;
  };
  const store = openFileStore({ folder: newFolder(), openDatabase });
  statements.length = 0;
  const changes = [0, 1, 2, 3].map((version) => store.apply({ pool: 'p', keys: [makeKey({ version })] }));
  await Promise.all(changes);
  expect(statements).toEqual(['BEGIN IMMEDIATE', 'INSERT INTO keys', 'INSERT INTO meta', 'INSERT INTO meta', 'COMMIT']);
  await store.close();
});

test('an operator reads the tables while the service runs', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder, ...new TestTime() });
  await store.apply({ pool: 'p', keys: [makeKey()], leases: [makeLease()] });
  expect(rows(folder, "SELECT pool, id, json_extract(record, '$.keyId') AS key FROM leases")).toEqual([{ pool: 'p', id: 'l1', key: 'k1' }]);
  expect(rows(folder, "SELECT pool, id, json_extract(record, '$.version') AS version FROM keys")).toEqual([
    { pool: 'p', id: 'k1', version: 1 },
  ]);
  expect(rows(folder, "SELECT value FROM meta WHERE name = 'newest_time'")).toEqual([{ value: 1_000_000 }]);
  await store.close();
});

test('the folder and all its files are for their owner alone', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder });
  await store.apply({ pool: 'p', keys: [makeKey()] });
  const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(Object.fromEntries(modes)).toEqual({
    'keylease.db': 0o600,
    'keylease.db-shm': 0o600,
    'keylease.db-wal': 0o600,
    'lock.db': 0o600,
    'lock.pid': 0o600,
  });
  await store.close();
});

test('of the configuration that it is asked with, nothing is written', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder });
  const secret = 'sk-ant-api03-not-to-be-found';
  const facts = store.read({ id: 'p', keys: [{ id: 'k1', secret }] } as unknown as PoolConfig);
  await store.apply({ pool: facts.pool.id, state: facts.state, keys: [makeKey()], leases: [makeLease()] });
  const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
  expect(bytes.join()).toContain('0a1b2c3d');
  expect(bytes.join()).not.toContain('sk-ant');
  await store.close();
});
