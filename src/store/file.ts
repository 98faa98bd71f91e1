import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Change, Facts, PoolConfig } from '../pool/model.ts';
import type { Millis } from '../pool/upstream.ts';
import { type Clock, steadyClock } from './clock.ts';
import { Batch } from './file-batch.ts';
import { type Disk, type OpenDatabase, type OpenDiskOptions, openDisk, openSqlite } from './file-disk.ts';
import { notOpened } from './file-errors.ts';
import { type FolderLock, lockFolder } from './file-lock.ts';
import { isEmpty } from './pool-tables.ts';
import { retryUntilDone } from './retry.ts';
import { type Applied, type Store, StoreLost } from './store.ts';
import type { Tables } from './tables.ts';

export interface FileStoreOptions {
  /** Made where there is none, for this user alone. One process at a time. */
  readonly folder: string;
  readonly wall?: () => number;
  readonly monotonic?: () => number;
  /** Answers with as many bytes that nobody can guess. */
  readonly random?: (size: number) => Uint8Array;
  readonly openDatabase?: OpenDatabase;
}

/** Opens the durable store of a folder; throws StoreNotOpened, which tells the operator what to do. */
export function openFileStore({ folder, wall, monotonic, random = randomBytes, openDatabase = openSqlite }: FileStoreOptions): Store {
  let lock: FolderLock | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = lockFolder(folder);
    const disk = openDisk({ folder, openDatabase, random, make: true });
    const reopening = { folder, openDatabase, random, make: false };
    return new FileStore({ disk, lock, reopening, clock: steadyClock(disk.newestTime, wall, monotonic) });
  } catch (error) {
    lock?.release();
    throw notOpened(folder, error);
  }
}

interface Opened {
  readonly disk: Disk;
  readonly lock: FolderLock;
  readonly reopening: OpenDiskOptions;
  readonly clock: Clock;
}

/** Changes the tables in memory at once, and the disk at the end of the turn of the event loop. */
class FileStore implements Store {
  readonly installationKey: Uint8Array;
  readonly now: () => Millis;
  readonly #lock: FolderLock;
  readonly #reopening: OpenDiskOptions;
  readonly #changeListeners: ((change: Change) => void)[] = [];
  readonly #healthListeners: ((cause: Error | null) => void)[] = [];
  /** The open disk, or why there is none. */
  #disk: Disk | StoreLost;
  #batch: Batch | null = null;
  #closed = false;
  #stopRetrying = () => {};

  constructor({ disk, lock, reopening, clock }: Opened) {
    this.installationKey = disk.installationKey;
    this.now = clock;
    this.#disk = disk;
    this.#lock = lock;
    this.#reopening = reopening;
  }

  /** The folder holds every pool, and no other process changes it. */
  async serve(): Promise<void> {}

  read(pool: PoolConfig): Facts {
    if (this.#disk instanceof StoreLost) throw this.#disk;
    return this.#disk.tables.read(pool, this.now());
  }

  apply(change: Change): Promise<Applied> {
    if (this.#disk instanceof StoreLost) return Promise.reject(this.#disk);
    if (isEmpty(change)) return this.#batch?.answer.promise ?? Promise.resolve('applied');
    return this.#disk.tables.apply(change) ? this.#commitLater(this.#disk.tables, change) : Promise.resolve('moved_on');
  }

  onChange(listener: (change: Change) => void): void {
    this.#changeListeners.push(listener);
  }

  onHealth(listener: (cause: Error | null) => void): void {
    this.#healthListeners.push(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#commit(this.#batch ?? new Batch());
    this.#stopRetrying();
    if (!(this.#disk instanceof StoreLost)) this.#disk.close();
    this.#disk = new StoreLost('the store is closed');
    this.#lock.release();
  }

  #commitLater(tables: Tables, change: Change): Promise<Applied> {
    const batch = this.#batch ?? this.#startBatch();
    batch.add(change);
    for (const forgotten of tables.forget(this.now())) batch.addForgotten(forgotten);
    return batch.answer.promise;
  }

  #startBatch(): Batch {
    const batch = new Batch();
    this.#batch = batch;
    setImmediate(() => {
      if (this.#batch === batch) this.#commit(batch);
    });
    return batch;
  }

  #commit(batch: Batch): void {
    this.#batch = null;
    if (this.#disk instanceof StoreLost) return;
    try {
      this.#disk.commit(batch.touched, this.now());
    } catch (cause) {
      this.#lose(this.#disk, batch, cause as Error);
      return;
    }
    batch.answer.resolve('applied');
    for (const change of batch.changes) for (const listener of this.#changeListeners) listener(change);
  }

  /** What memory holds is more than the disk does, so nothing of it may be seen again: the way back is through the disk. */
  #lose(disk: Disk, batch: Batch, cause: Error): void {
    disk.abandon();
    this.#disk = new StoreLost('the store cannot write to its disk', { cause });
    batch.answer.reject(this.#disk);
    this.#tellHealth(cause);
    this.#stopRetrying = retryUntilDone(() => this.#recover());
  }

  #recover(): boolean {
    try {
      this.#disk = openDisk(this.#reopening);
    } catch {
      return false;
    }
    this.#tellHealth(null);
    return true;
  }

  #tellHealth(cause: Error | null): void {
    for (const listener of this.#healthListeners) listener(cause);
  }
}
