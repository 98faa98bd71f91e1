import type { Change, GroupState, KeyState, Lease, PoolState, RequestRecord } from '../pool/model.ts';
import { LeaseIndex } from './lease-index.ts';
import { FRESH_POOL } from './store.ts';

/** Every record of one pool. Records are replaced, never mutated. */
export class PoolTables {
  state: PoolState = FRESH_POOL;
  readonly keys = new Map<string, KeyState>();
  readonly groups = new Map<string, GroupState>();
  readonly leases = new Map<string, Lease>();
  readonly leasesByKey = new LeaseIndex();
  readonly leasesByGroup = new LeaseIndex();
  /** How many each holder has under way; nobody who has none. */
  readonly leasesByHolder = new Map<string, number>();
  /** By `requestKey`. */
  readonly requests = new Map<string, RequestRecord>();

  putLease(lease: Lease): void {
    const old = this.leases.get(lease.id);
    if (old !== undefined) this.#unindex(old);
    this.leases.set(lease.id, lease);
    this.leasesByKey.add(lease.keyId, lease);
    this.leasesByGroup.add(lease.group, lease);
    this.leasesByHolder.set(lease.holder, (this.leasesByHolder.get(lease.holder) ?? 0) + 1);
  }

  endLease(id: string): void {
    const lease = this.leases.get(id);
    if (lease === undefined) return;
    this.leases.delete(id);
    this.#unindex(lease);
  }

  #unindex(lease: Lease): void {
    this.leasesByKey.remove(lease.keyId, lease);
    this.leasesByGroup.remove(lease.group, lease);
    const left = (this.leasesByHolder.get(lease.holder) ?? 1) - 1;
    if (left === 0) this.leasesByHolder.delete(lease.holder);
    else this.leasesByHolder.set(lease.holder, left);
  }
}

/** One text for a holder and a request id; the length keeps apart ('a', 'bc') and ('ab', 'c'). */
export function requestKey(holder: string, requestId: string): string {
  return `${holder.length}:${holder}${requestId}`;
}

/** Whether a change changes nothing. */
export function isEmpty(change: Change): boolean {
  return (
    change.state === undefined &&
    [change.keys, change.groups, change.leases, change.ended, change.requests].every((records) => !records?.length)
  );
}

/** Whether every record that a change rests on is still the one that was read. */
export function standsAsRead(pool: PoolTables, change: Change): boolean {
  return (
    (change.state === undefined || change.state.version === pool.state.version) &&
    versionsStand(pool.keys, change.keys) &&
    versionsStand(pool.groups, change.groups) &&
    (change.ended === undefined || change.ended.every((id) => pool.leases.has(id)))
  );
}

interface Versioned {
  readonly id: string;
  readonly version: number;
}

function versionsStand(stored: ReadonlyMap<string, Versioned>, records: readonly Versioned[] | undefined): boolean {
  return records === undefined || records.every(({ id, version }) => version === (stored.get(id)?.version ?? 0));
}

/** The record as it is stored after a change that read it. */
export function nextVersion<T extends { readonly version: number }>(record: T): T {
  return { ...record, version: record.version + 1 };
}
