import TinyQueue from 'tinyqueue';
import type { Change, Facts, PoolConfig, RequestRecord } from '../pool/model.ts';
import type { Millis } from '../pool/upstream.ts';
import { nextVersion, PoolTables, requestKey, standsAsRead } from './pool-tables.ts';
import { PoolView } from './pool-view.ts';

/** Names the request record that was forgotten. */
export interface Forgotten {
  readonly pool: string;
  readonly holder: string;
  readonly requestId: string;
}

/** Request records looked at in one go, so that no change pays for many old ones; more than a change adds. */
const FORGET_MAX = 8;

const NO_TABLES = new PoolTables();

/** The records of all pools in memory, on which both embedded stores stand. */
export class Tables {
  /** Of the newest change. Starts above 0, which in a record means never. */
  sequence = 1;
  readonly #pools = new Map<string, PoolTables>();
  /** One entry for each request record; the time in it may be older than the record's. */
  readonly #toForget = new TinyQueue<Forgotten & { readonly time: Millis }>([], (a, b) => a.time - b.time);

  /** The tables of a pool, made where there are none. */
  pool(id: string): PoolTables {
    let pool = this.#pools.get(id);
    if (pool === undefined) {
      pool = new PoolTables();
      this.#pools.set(id, pool);
    }
    return pool;
  }

  read(pool: PoolConfig, now: Millis): Facts {
    return new PoolView(this.#pools.get(pool.id) ?? NO_TABLES, pool, now, this.sequence);
  }

  /** Makes all of a change true, or nothing of it; answers whether it did. */
  apply(change: Change): boolean {
    const pool = this.pool(change.pool);
    if (!standsAsRead(pool, change)) return false;
    if (change.state !== undefined) pool.state = nextVersion(change.state);
    for (const key of change.keys ?? []) pool.keys.set(key.id, nextVersion(key));
    for (const group of change.groups ?? []) pool.groups.set(group.id, nextVersion(group));
    for (const lease of change.leases ?? []) pool.putLease(lease);
    for (const id of change.ended ?? []) pool.endLease(id);
    for (const request of change.requests ?? []) this.putRequest(change.pool, request);
    this.sequence += 1;
    return true;
  }

  putRequest(poolId: string, record: RequestRecord): void {
    const { requests } = this.pool(poolId);
    const { holder, requestId } = record;
    const key = requestKey(holder, requestId);
    if (!requests.has(key)) this.#toForget.push({ pool: poolId, holder, requestId, time: record.forgetTime });
    requests.set(key, record);
  }

  /** Removes some of the request records whose time has passed, and names them. */
  forget(now: Millis): Forgotten[] {
    const forgotten: Forgotten[] = [];
    for (let looked = 0; looked < FORGET_MAX; looked++) {
      const oldest = this.#toForget.peek();
      if (oldest === undefined || oldest.time > now) break;
      this.#toForget.pop();
      const { requests } = this.pool(oldest.pool);
      const key = requestKey(oldest.holder, oldest.requestId);
      const time = requests.get(key)?.forgetTime ?? now;
      if (time > now) {
        this.#toForget.push({ ...oldest, time });
      } else {
        requests.delete(key);
        forgotten.push(oldest);
      }
    }
    return forgotten;
  }
}
