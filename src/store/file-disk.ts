import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Millis } from '../pool/upstream.ts';
import type { TouchedRows } from './file-batch.ts';
import { FileRows } from './file-rows.ts';
import { makeFile, prepareSchema, readMeta } from './file-schema.ts';
import type { Tables } from './tables.ts';

/** How long a commit waits, while nothing else runs, for another program that writes to the database. */
const BUSY_TIMEOUT_MS = 100;

export type OpenDatabase = (path: string) => DatabaseSync;

export const openSqlite: OpenDatabase = (path) => new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });

export interface OpenDiskOptions {
  readonly folder: string;
  readonly openDatabase: OpenDatabase;
  readonly random: (size: number) => Uint8Array;
  /** Whether a database may be made where there is none. */
  readonly make: boolean;
}

/** The open database and the tables in memory that mirror it. */
export class Disk {
  readonly tables: Tables;
  readonly installationKey: Uint8Array;
  readonly newestTime: Millis;
  readonly #database: DatabaseSync;
  readonly #rows: FileRows;

  /** Takes a database whose schema is right; proves that it can be written and loads it. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec("INSERT INTO meta VALUES ('opened', 1) ON CONFLICT DO UPDATE SET value = value + 1");
    // A commit that failed may have left pages that only the log holds, and that no later sync would cover.
    this.#foldLog();
    this.installationKey = readMeta(database, 'installation_key') as Uint8Array;
    this.newestTime = Number(readMeta(database, 'newest_time') ?? 0);
    this.#rows = new FileRows(database);
    this.tables = this.#rows.load();
  }

  /** Makes what was touched durable; throws SQLite's error, after which this disk can only be closed. */
  commit(touched: ReadonlyMap<string, TouchedRows>, now: Millis): void {
    this.#rows.write(this.tables, touched, now);
  }

  /** Leaves one file with everything in it. */
  close(): void {
    try {
      this.#foldLog();
    } catch {
      // What is in the log is as durable as what is not; the next start folds it.
    }
    this.#database.close();
  }

  /** Closes after a failure, which may fail as well and changes nothing any more. */
  abandon(): void {
    closeQuietly(this.#database);
  }

  #foldLog(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }
}

/** Opens, and makes where allowed, the database of a folder; throws what SQLite throws, or StoreNotOpened. */
export function openDisk({ folder, openDatabase, random, make }: OpenDiskOptions): Disk {
  const path = join(folder, 'keylease.db');
  if (make) makeFile(path);
  const database = openDatabase(path);
  try {
    prepareSchema(database, folder, make, () => random(32));
    return new Disk(database);
  } catch (error) {
    closeQuietly(database);
    throw error;
  }
}

function closeQuietly(database: DatabaseSync): void {
  try {
    database.close();
  } catch {
    // What matters is the error that led here.
  }
}
