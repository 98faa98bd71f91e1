import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy, StoreNotOpened } from './file-errors.ts';
import { makeFile } from './file-schema.ts';

/** Keeps every other process, and this one, from opening the same folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes a folder for this process, or throws StoreNotOpened naming the process that has it. The lock is one that the
 * operating system takes back with the process, however it dies; the file with the process id is only for the message.
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, 'lock.db');
  const pidPath = join(folder, 'lock.pid');
  makeFile(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    writeFileSync(pidPath, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database.close();
    throw isBusy(error) ? inUse(folder, pidPath) : error;
  }
  return {
    release() {
      rmSync(pidPath, { force: true });
      database.close();
    },
  };
}

function inUse(folder: string, pidPath: string): StoreNotOpened {
  return new StoreNotOpened(
    `cannot use ${folder} as a store: another keylease process (pid ${readPid(pidPath)}) uses it; end that process first, or give this one a folder of its own`,
  );
}

function readPid(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}
