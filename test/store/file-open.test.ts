import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openFileStore } from '../../src/store/file.ts';
import { openSqlite } from '../../src/store/file-disk.ts';
import { notOpened, StoreNotOpened } from '../../src/store/file-errors.ts';
import { temporaryFolders } from './folder.ts';
import { makeGroup, makeMeter, makePool } from './records.ts';

const newFolder = temporaryFolders();

async function makeStore(folder: string): Promise<void> {
  await openFileStore({ folder }).close();
}

function execute(folder: string, sql: string): void {
  const database = new DatabaseSync(join(folder, 'keylease.db'));
  database.exec(sql);
  database.close();
}

/** What an operator is told. */
function refusalOf(folder: string): string {
  try {
    openFileStore({ folder });
  } catch (error) {
    expect(error).toBeInstanceOf(StoreNotOpened);
    return (error as Error).message;
  }
  throw new Error('it was opened');
}

test.each<{ name: string; prepare: (folder: string) => unknown; said: string }>([
  { name: 'a file', prepare: (folder) => writeFileSync(folder, ''), said: 'that is not a folder; name a folder' },
  {
    name: 'a folder whose database is a folder',
    prepare: (folder) => mkdirSync(join(folder, 'keylease.db'), { recursive: true }),
    said: 'the database file cannot be opened or made; check that it is a file',
  },
  {
    name: 'a folder whose database is another kind of file',
    prepare(folder) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'keylease.db'), 'not a database '.repeat(100));
    },
    said: 'keylease.db is not a database; move the file away or name another folder',
  },
  {
    name: 'the database of another program',
    prepare(folder) {
      mkdirSync(folder);
      execute(folder, 'CREATE TABLE songs (title TEXT)');
    },
    said: 'keylease.db is a database of another program; name another folder',
  },
  {
    name: 'a database without its version',
    prepare: async (folder) => makeStore(folder).then(() => execute(folder, "DELETE FROM meta WHERE name = 'schema_version'")),
    said: 'keylease.db is a database of another program; name another folder',
  },
  {
    name: 'a database of a newer schema',
    prepare: async (folder) => makeStore(folder).then(() => execute(folder, "UPDATE meta SET value = 9 WHERE name = 'schema_version'")),
    said: 'its database was written by a newer keylease (schema version 9, this one knows 2); nothing was changed; run the newer keylease',
  },
  {
    name: 'a database with a record that is damaged',
    prepare: async (folder) => makeStore(folder).then(() => execute(folder, `INSERT INTO keys VALUES ('p', 'k1', '{"id":"k1')`)),
    said: 'a record in the table keys of keylease.db is not JSON; put a copy of the file back',
  },
])('$name is refused with a word on what to do, and the lock is free again', async ({ prepare, said }) => {
  const folder = newFolder();
  await prepare(folder);
  expect(refusalOf(folder)).toContain(`cannot use ${folder} as a store: ${said}`);
  rmSync(folder, { recursive: true });
  await makeStore(folder);
});

test('a path through a file is refused', () => {
  const file = newFolder();
  writeFileSync(file, '');
  expect(refusalOf(join(file, 'data'))).toContain('a part of that path is not a folder; name a folder');
});

test('a database of a newer schema is left as it was, to the byte', async () => {
  const folder = newFolder();
  await makeStore(folder);
  execute(folder, "UPDATE meta SET value = 9 WHERE name = 'schema_version'");
  const before = readFileSync(join(folder, 'keylease.db'));
  refusalOf(folder);
  expect(readFileSync(join(folder, 'keylease.db')).equals(before)).toBe(true);
});

test('a database of an earlier keylease, with its meters by name, is read as it is and left to no older one', async () => {
  const folder = newFolder();
  await makeStore(folder);
  const group = makeGroup({
    id: 'g',
    version: 3,
    meters: { m: [makeMeter({ spent: [{ amount: 2, containedAfter: 5, countedBy: 6.5 }] })] },
  });
  execute(
    folder,
    `INSERT INTO groups VALUES ('p', 'g', '${JSON.stringify(group)}'); UPDATE meta SET value = 1 WHERE name = 'schema_version'`,
  );
  const store = openFileStore({ folder });
  expect(store.read(makePool()).group('g')).toEqual(group);
  expect(await store.apply({ pool: 'p', groups: [group] })).toBe('applied');
  await store.close();
  const database = new DatabaseSync(join(folder, 'keylease.db'));
  expect(database.prepare("SELECT value FROM meta WHERE name = 'schema_version'").get()).toEqual({ value: 2 });
  expect(String(database.prepare('SELECT record FROM groups').get()?.record)).not.toContain('containedAfter');
  database.close();
  const again = openFileStore({ folder });
  expect(again.read(makePool()).group('g')).toEqual({ ...group, version: 4 });
  await again.close();
});

test('a damaged record is not quoted', async () => {
  const folder = newFolder();
  await makeStore(folder);
  execute(folder, `INSERT INTO leases (pool, id, record) VALUES ('p', 'bearer', 'bearer')`);
  expect(refusalOf(folder)).not.toContain('bearer');
});

test('a database that cannot be written is refused at the start, not at the first lease', async () => {
  const folder = newFolder();
  await makeStore(folder);
  const openDatabase = (path: string) => {
    const database = openSqlite(path);
    database.exec('PRAGMA query_only = 1');
    return database;
  };
  expect(() => openFileStore({ folder, openDatabase })).toThrow('no permission to write there');
});

test.each([
  { code: 'EACCES', said: 'no permission there; give this user write permission' },
  { code: 'EROFS', said: 'that disk is read-only' },
  { code: 'ENOSPC', said: 'there is no space left on that disk; make some' },
  { code: 'EMFILE', said: 'as the system put it' },
])('a folder that cannot be made because of $code is refused in words', ({ code, said }) => {
  const error = Object.assign(new Error('as the system put it'), { code });
  expect(notOpened('/data', error).message).toBe(`cannot use /data as a store: ${said}`);
});

test('folders on the way are made', async () => {
  const folder = join(newFolder(), 'a', 'b');
  await makeStore(folder);
  expect(dirname(folder)).toMatch(/a$/);
});
