import { randomBytes } from 'node:crypto';
import type { Change, Facts, PoolConfig } from '../../pool/model.ts';
import type { Millis } from '../../pool/upstream.ts';
import { StoreNotOpened } from '../file-errors.ts';
import { type Applied, type ServedPool, type Store, StoreLost } from '../store.ts';
import { askServer, checkServer } from './checkup.ts';
import type { Access, Connection } from './connection.ts';
import { type Durability, Link } from './link.ts';
import { openPrimary, type Place, textOf } from './primaries.ts';
import { reasonOf } from './reasons.ts';
import { Replica } from './replica.ts';
import { SharedPool } from './shared-pool.ts';
import { type StoreTime, storeTime } from './store-time.ts';

export interface RedisStoreOptions {
  readonly place: Place;
  readonly access: Access;
  /** In front of every key, so that several installations can share a server. */
  readonly prefix: string;
  readonly durability: Durability;
  /** Hears what makes the servers less safe than they could be, and what to change. */
  readonly warn?: (warning: string) => void;
  /** How long a store that was never written is left alone by a replica that knows nothing; left out: a second. */
  readonly emptyMs?: number;
  readonly time?: StoreTime;
  readonly random?: (size: number) => Uint8Array;
}

/** Longer than replicas that know what a server has lost take to come back to it. */
const EMPTY_MS = 1_000;

/** Opens the store that several replicas share; throws StoreNotOpened, which tells the operator what to do. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  return onPrimary(options, async (connection) => {
    for (const warning of await fitnessOf(connection, options)) options.warn?.(warning);
    const made = Buffer.from((options.random ?? randomBytes)(32));
    return new RedisStore(options, await installationKeyOn(connection, options.prefix, made));
  });
}

/** Whether the servers can be used; answers what would make them safer, throws StoreNotOpened. */
export function checkUpServers(options: RedisStoreOptions): Promise<readonly string[]> {
  return onPrimary(options, (connection) => fitnessOf(connection, options));
}

async function fitnessOf(connection: Connection, { durability }: RedisStoreOptions): Promise<readonly string[]> {
  const { problems, warnings } = checkServer(await askServer(connection), durability);
  if (problems.length > 0) throw new Error(problems.join('; '));
  return warnings;
}

async function onPrimary<T>(options: RedisStoreOptions, use: (connection: Connection) => Promise<T>): Promise<T> {
  let connection: Connection | undefined;
  try {
    connection = await openPrimary(options.place, options.access, options.prefix, () => {});
    return await use(connection);
  } catch (cause) {
    throw new StoreNotOpened(`cannot use ${nameOf(options.place)} as a store: ${reasonOf(cause as Error, options.access)}`, { cause });
  } finally {
    connection?.close();
  }
}

function nameOf(place: Place): string {
  const servers = place.kind === 'single' ? [place.at] : place.kind === 'sentinel' ? place.sentinels : place.nodes;
  return `the ${WORDS[place.kind]} at ${servers.map(textOf).join(', ')}`;
}

const WORDS = { single: 'server', sentinel: 'primary of the Sentinels', cluster: 'Cluster' } as const;

/** The first who comes makes it, for all and for good. */
async function installationKeyOn(connection: Connection, prefix: string, made: Buffer): Promise<Buffer> {
  const key = `{${prefix}}:installation`;
  await connection.send('SET', key, made.toString('base64'), 'NX');
  return Buffer.from(await connection.send('GET', key), 'base64');
}

/** Records in Redis or Valkey, mirrored by every replica: reads are of the mirror, writes are compared by the store. */
class RedisStore implements Store {
  readonly installationKey: Uint8Array;
  readonly #replica: Replica;
  readonly #options: RedisStoreOptions;
  readonly #pools = new Map<string, SharedPool>();
  readonly #links = new Map<string, Link>();
  readonly #changeListeners: ((change: Change) => void)[] = [];
  readonly #healthListeners: ((cause: Error | null) => void)[] = [];
  #isHealthy = true;
  /** Why the store does not come back, as far as it was told. */
  readonly #reasons = new Set<string>();

  constructor(options: RedisStoreOptions, installationKey: Uint8Array) {
    this.installationKey = installationKey;
    this.#options = options;
    this.#replica = new Replica(options.time ?? storeTime(), (change) => this.#tell(change), options.random);
  }

  now(): Millis {
    return this.#replica.time.now();
  }

  async serve(pools: readonly ServedPool[]): Promise<void> {
    const added: SharedPool[] = [];
    for (const { id, leaseTtlMaxMs } of pools) {
      const known = this.#pools.get(id);
      const pool = known ?? new SharedPool(id, this.#replica);
      pool.leaseMaxMs = leaseTtlMaxMs;
      if (known === undefined) added.push(pool);
    }
    const byLink = Map.groupBy(added, ({ id }) => this.#linkOf(id));
    const add = async (link: Link, own: readonly SharedPool[]) => {
      await link.add(own);
      for (const pool of own) this.#pools.set(pool.id, pool);
    };
    await Promise.all([...byLink].map(([link, own]) => add(link, own)));
  }

  learningPools(): readonly string[] {
    const now = this.now();
    return [...this.#pools.values()].filter(({ grantsFrom }) => grantsFrom > now).map(({ id }) => id);
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
        replica: this.#replica,
        emptyMs: this.#options.emptyMs ?? EMPTY_MS,
        losesNothing: this.#options.durability === 'fsync' && this.#options.place.kind === 'single',
        onHealth: (cause) => this.#hearHealth(cause),
        onStillLost: (reason) => this.#hearStillLost(reason),
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
    this.#reasons.clear();
    if (isHealthy) void this.#keepInstallationKey();
    for (const listener of this.#healthListeners) listener(cause);
  }

  #hearStillLost(reason: string): void {
    if (!this.#reasons.has(reason)) this.#options.warn?.(`the store is not back yet: ${reason}`);
    this.#reasons.add(reason);
  }

  /** Put back where a server that failed has lost it. */
  async #keepInstallationKey(): Promise<void> {
    const own = Buffer.from(this.installationKey);
    const { prefix, warn } = this.#options;
    try {
      const kept = await onPrimary(this.#options, (connection) => installationKeyOn(connection, prefix, own));
      if (!kept.equals(own))
        warn?.('another replica has made another installation key: restart this one, or its leases are unknown to others');
    } catch {
      // The next loss brings another occasion.
    }
  }

  #tell(change: Change): void {
    for (const listener of this.#changeListeners) listener(change);
  }
}
