import type { Facts, GroupState, KeyState, Lease, PoolConfig, PoolState, RequestRecord } from '../pool/model.ts';
import type { Millis } from '../pool/upstream.ts';
import { type PoolTables, requestKey } from './pool-tables.ts';

/** What comes of sharing a pool with others. */
export interface Sharing {
  readonly grantsFrom: Millis;
  readonly isHome: ((group: string) => boolean) | undefined;
}

const ALONE: Sharing = { grantsFrom: 0, isHome: undefined };

/** What a decision sees of one pool: the live tables at one moment, not a copy. */
export class PoolView implements Facts {
  readonly now: Millis;
  readonly sequence: number;
  readonly pool: PoolConfig;
  readonly state: PoolState;
  readonly grantsFrom: Millis;
  readonly isHome: ((group: string) => boolean) | undefined;
  readonly #tables: PoolTables;

  constructor(tables: PoolTables, pool: PoolConfig, now: Millis, sequence: number, { grantsFrom, isHome }: Sharing = ALONE) {
    this.now = now;
    this.sequence = sequence;
    this.pool = pool;
    this.state = tables.state;
    this.grantsFrom = grantsFrom;
    this.isHome = isHome;
    this.#tables = tables;
  }

  key(id: string): KeyState | undefined {
    return this.#tables.keys.get(id);
  }

  group(id: string): GroupState | undefined {
    return this.#tables.groups.get(id);
  }

  lease(id: string): Lease | undefined {
    return this.#tables.leases.get(id);
  }

  leases(): Iterable<Lease> {
    return this.#tables.leases.values();
  }

  leasesOfKey(keyId: string): Iterable<Lease> {
    return this.#tables.leasesByKey.of(keyId);
  }

  leasesOfGroup(groupId: string): Iterable<Lease> {
    return this.#tables.leasesByGroup.of(groupId);
  }

  leaseCountOf(holder: string): number {
    return this.#tables.leasesByHolder.get(holder) ?? 0;
  }

  /** A record whose time has passed is not seen, even while its removal is still ahead. */
  request(holder: string, requestId: string): RequestRecord | undefined {
    const record = this.#tables.requests.get(requestKey(holder, requestId));
    return record !== undefined && record.forgetTime > this.now ? record : undefined;
  }
}
