import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import type { Change } from '../../src/pool/model.ts';
import { openFileStore } from '../../src/store/file.ts';
import { openSqlite } from '../../src/store/file-disk.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Applied, Store } from '../../src/store/store.ts';

/** A store that fails in every change that leases or ends something, as a bug would. */
export function faultyStore(fault: Error): Store {
  return changedBy((change) => (change.leases?.length ? Promise.reject(fault) : undefined));
}

/** A store whose records of leases move on before every one of the first changes. */
export function contendedStore(times: number): Store {
  let left = times;
  return changedBy((change) => (change.leases?.length && left-- > 0 ? Promise.resolve('moved_on') : undefined));
}

/** A store that may have forgotten grants until a time, in every pool that is read. */
export function learningStore(grantsFrom: () => number): Store {
  const inner = memoryStore();
  const pools = new Set<string>();
  return {
    ...inner,
    read(pool) {
      pools.add(pool.id);
      return Object.assign(inner.read(pool), { grantsFrom: grantsFrom() });
    },
    learningPools: () => (grantsFrom() > inner.now() ? [...pools] : []),
  };
}

/** A store that keeps changes that lease or end something from being durable until the gate opens. */
export function gatedStore() {
  const gate = Promise.withResolvers<void>();
  let held = 0;
  const inner = memoryStore();
  const apply = async (change: Change): Promise<Applied> => {
    const applied = inner.apply(change);
    if (!change.leases?.length && !change.ended?.length) return applied;
    held += 1;
    await gate.promise;
    return applied;
  };
  return { store: { ...inner, apply } satisfies Store, held: () => held, open: () => gate.resolve() };
}

/** The durable store in a folder of its own, on a disk that stops being writable when it is told to. */
export function breakableStore() {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-'));
  let broken = false;
  let database: DatabaseSync | undefined;
  const openDatabase = (path: string) => {
    database = openSqlite(path);
    if (broken) database.exec('PRAGMA query_only = 1');
    return database;
  };
  const store = openFileStore({ folder, openDatabase });
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return {
    store,
    breakDisk() {
      broken = true;
      database?.exec('PRAGMA query_only = 1');
    },
    mendDisk() {
      broken = false;
    },
  };
}

function changedBy(intercept: (change: Change) => Promise<Applied> | undefined): Store {
  const inner = memoryStore();
  return { ...inner, apply: (change) => intercept(change) ?? inner.apply(change) };
}
