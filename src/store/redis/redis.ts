import { randomBytes } from 'node:crypto';
import type { Change, Facts, PoolConfig } from '../../pool/model.ts';
import type { Millis } from '../../pool/upstream.ts';
import { StoreNotOpened } from '../file-errors.ts';
import { type Applied, type Store, StoreLost } from '../store.ts';
import { type Access, Connection } from './connection.ts';
import { type Durability, Link } from './link.ts';
import { type FindPrimary, type Place, primaryFinder } from './primaries.ts';
import { Replica } from './replica.ts';
import { SharedPool } from './shared-pool.ts';
import { type StoreTime, storeTime } from './store-time.ts';

export interface RedisStoreOptions {
  readonly place: Place;
  readonly access: Access;
  /** In front of every key, so that several installations can share a server. */
  readonly prefix: string;
  readonly durability: Durability;
  readonly time?: StoreTime;
  readonly random?: (size: number) => Uint8Array;
}

/** Opens the store that several replicas share; throws StoreNotOpened, which tells the operator what to do. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const findPrimary = primaryFinder(options.place, options.access);
  const connection = await Connection.open(await findPrimary(options.prefix), options.access, () => {});
  try {
    const key = `{${options.prefix}}:installation`;
    const made = Buffer.from((options.random ?? randomBytes)(32)).toString('base64');
    await connection.send('SET', key, made, 'NX');
    const installationKey = Buffer.from(await connection.send('GET', key), 'base64');
    return new RedisStore(options, findPrimary, installationKey);
  } catch (cause) {
    throw new StoreNotOpened(`cannot use the store: ${(cause as Error).message}`, { cause });
  } finally {
    connection.close();
  }
}

/** Records in Redis or Valkey, mirrored by every replica: reads are of the mirror, writes are compared by the store. */
class RedisStore implements Store {
  readonly installationKey: Uint8Array;
  readonly #replica: Replica;
  readonly #options: RedisStoreOptions;
  readonly #findPrimary: FindPrimary;
  readonly #pools = new Map<string, SharedPool>();
  readonly #links = new Map<string, Link>();
  readonly #changeListeners: ((change: Change) => void)[] = [];
  readonly #healthListeners: ((cause: Error | null) => void)[] = [];
  #isHealthy = true;

  constructor(options: RedisStoreOptions, findPrimary: FindPrimary, installationKey: Uint8Array) {
    this.installationKey = installationKey;
    this.#options = options;
    this.#findPrimary = findPrimary;
    this.#replica = new Replica(options.time ?? storeTime(), (change) => this.#tell(change), options.random);
  }

  now(): Millis {
    return this.#replica.time.now();
  }

  async serve(pools: readonly string[]): Promise<void> {
    for (const id of pools) {
      if (this.#pools.has(id)) continue;
      const pool = new SharedPool(id, this.#replica);
      await this.#linkOf(id).add(pool);
      this.#pools.set(id, pool);
    }
  }

  read(pool: PoolConfig): Facts {
    return this.#pool(pool.id).read(pool);
  }

  async apply(change: Change): Promise<Applied> {
    return this.#pool(change.pool).apply(change);
  }

  onChange(listener: (change: Change) => void): void {
    this.#changeListeners.push(listener);
  }

  onHealth(listener: (cause: Error | null) => void): void {
    this.#healthListeners.push(listener);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close()));
  }

  /** In a Cluster each pool may be on a server of its own; else one serves all. */
  #linkOf(pool: string): Link {
    const name = this.#options.place.kind === 'cluster' ? pool : '';
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new Link({
        ...this.#options,
        findPrimary: this.#findPrimary,
        replica: this.#replica,
        onHealth: (cause) => this.#hearHealth(cause),
      });
      this.#links.set(name, link);
    }
    return link;
  }

  #pool(id: string): SharedPool {
    const pool = this.#pools.get(id);
    if (pool === undefined) throw new StoreLost(`pool ${id} is not served`);
    return pool;
  }

  /** Lost as soon as one primary is; back when all are. */
  #hearHealth(cause: Error | null): void {
    const isHealthy = cause === null && [...this.#links.values()].every(({ isUp }) => isUp);
    if (isHealthy === this.#isHealthy) return;
    this.#isHealthy = isHealthy;
    for (const listener of this.#healthListeners) listener(cause);
  }

  #tell(change: Change): void {
    for (const listener of this.#changeListeners) listener(change);
  }
}
