import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Millis } from '../pool/upstream.ts';
import { notOpened } from './file-errors.ts';
import { readMeta } from './file-schema.ts';

/** What a look at the database of a folder finds, without changing it and while a service may use it. */
export type Checkup =
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly problem: string }
  | { readonly kind: 'damaged'; readonly problem: string }
  | { readonly kind: 'sound'; readonly leases: number; readonly newestTime: Millis; readonly othersMayRead: boolean };

export function checkUpFolder(folder: string): Checkup {
  const path = join(folder, 'keylease.db');
  if (!existsSync(path)) return { kind: 'none' };
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const problem = String(Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0]);
    if (problem !== 'ok') return { kind: 'damaged', problem };
    const leases = Number(database.prepare('SELECT count(*) AS count FROM leases').get()?.count);
    const newestTime = Number(readMeta(database, 'newest_time') ?? 0);
    return { kind: 'sound', leases, newestTime, othersMayRead: (statSync(path).mode & 0o077) !== 0 };
  } catch (error) {
    return { kind: 'unreadable', problem: notOpened(folder, error).message };
  } finally {
    database?.close();
  }
}
