import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { StoreNotOpened } from './file-errors.ts';

/** Grows with every change of the records that an older keylease would misread. 2: meters by place. */
const SCHEMA_VERSION = 2;

/** Records are JSON; the columns beside them are their ids, for people and for finding the row again. */
const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value NUMERIC) WITHOUT ROWID;
  CREATE TABLE pools (pool TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE keys (pool TEXT, id TEXT, record TEXT NOT NULL, PRIMARY KEY (pool, id)) WITHOUT ROWID;
  CREATE TABLE groups (pool TEXT, id TEXT, record TEXT NOT NULL, PRIMARY KEY (pool, id)) WITHOUT ROWID;
  CREATE TABLE leases (row INTEGER PRIMARY KEY, pool TEXT, id TEXT, record TEXT NOT NULL);
  CREATE TABLE requests (row INTEGER PRIMARY KEY, pool TEXT, holder TEXT, request_id TEXT, record TEXT NOT NULL);
`;

/**
 * FULL, because NORMAL may lose the newest commits with the power. The log is folded into the tables every 16 MiB and cut
 * back to that after a long reader made it grow.
 */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 16777216;
`;

/** Makes an empty file that only its owner may read. Leaves alone, and does not even open, one that is there. */
export function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Makes a database ready for use; its tables too, if it is empty and may be made. A database of another kind or a newer keylease is refused unchanged. */
export function prepareSchema(database: DatabaseSync, folder: string, makeTables: boolean, installationKey: () => Uint8Array): void {
  const fresh = database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (fresh && !makeTables) throw new StoreNotOpened(`the database in ${folder} has lost its tables`);
  if (!fresh) checkVersion(database, folder);
  database.exec(PRAGMAS);
  if (fresh) createTables(database, installationKey());
  // Records of an earlier version are read as they are, and what is written from now on is for no older keylease.
  else database.prepare("UPDATE meta SET value = ?1 WHERE name = 'schema_version' AND value < ?1").run(SCHEMA_VERSION);
}

function createTables(database: DatabaseSync, installationKey: Uint8Array): void {
  database.exec(`BEGIN IMMEDIATE; ${TABLES}`);
  const insert = database.prepare('INSERT INTO meta VALUES (?, ?)');
  insert.run('schema_version', SCHEMA_VERSION);
  insert.run('installation_key', installationKey);
  database.exec('COMMIT');
}

function checkVersion(database: DatabaseSync, folder: string): void {
  const version = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get() && readMeta(database, 'schema_version');
  if (typeof version !== 'number') {
    throw new StoreNotOpened(`cannot use ${folder} as a store: keylease.db is a database of another program; name another folder`);
  }
  if (version > SCHEMA_VERSION) {
    throw new StoreNotOpened(
      `cannot use ${folder} as a store: its database was written by a newer keylease (schema version ${version}, this one knows ${SCHEMA_VERSION}); ` +
        'nothing was changed; run the newer keylease, or name another folder',
    );
  }
}

/** A value of the table `meta`; undefined: there is none. */
export function readMeta(database: DatabaseSync, name: string): unknown {
  return database.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.value;
}
