import { unprobed } from './block.ts';
import { heldOn, unhold } from './hold.ts';
import type { Change, Facts, GroupState, KeyState, Lease, LeaseEnd, Meter, RequestRecord } from './model.ts';
import { spend } from './observe.ts';
import type { Millis } from './upstream.ts';

/** The lease with a later end. It is never shortened, and never reaches further than the pool's maximum from now. */
export function renew(facts: Facts, lease: Lease, ttlMs: number | null): { outcome: Lease; change: Change } {
  const wanted = facts.now + Math.min(ttlMs ?? facts.pool.leaseTtlMs, facts.pool.leaseTtlMaxMs);
  const renewed: Lease = { ...lease, expireTime: Math.max(lease.expireTime, wanted) };
  return { outcome: renewed, change: { pool: facts.pool.id, leases: [renewed] } };
}

/**
 * Ends a lease without a report. `released`: the call was not made, and what is held is given back whole. `expired` and `revoked`:
 * the call may have happened, and what is held counts as used from that moment on.
 */
export function end(facts: Facts, lease: Lease, how: Exclude<LeaseEnd, 'settled'>): { outcome: Lease; change: Change } {
  const at = how === 'expired' ? Math.min(lease.expireTime, facts.now) : facts.now;
  const key = facts.key(lease.keyId);
  const group = facts.group(lease.group);
  const change: Change = {
    pool: facts.pool.id,
    ended: [lease.id],
    ...(key === undefined ? {} : { keys: [withoutLease(key, lease)] }),
    ...(group === undefined ? {} : { groups: [groupWithout(facts, group, lease, how, at)] }),
    ...endedRecords(facts, lease, how),
  };
  return { outcome: lease, change };
}

/** The key with one lease less on it. */
export function withoutLease(key: KeyState, lease: Lease): KeyState {
  const probing = key.block?.probe === lease.id;
  return {
    ...key,
    activeLeases: Math.max(0, key.activeLeases - 1),
    block: probing && key.block !== null ? { ...key.block, probe: null } : key.block,
    modelBlocks: unprobed(key.modelBlocks, lease.id),
  };
}

/** The request record of a lease that ends, so that a repetition hears of it; none where it came without a request id. */
export function endedRecords(facts: Facts, lease: Lease, how: LeaseEnd): { requests?: readonly RequestRecord[] } {
  const record = lease.requestId === '' ? undefined : facts.request(lease.holder, lease.requestId);
  return record === undefined || record.lease.id !== lease.id ? {} : { requests: [{ ...record, lease, end: how }] };
}

function groupWithout(facts: Facts, group: GroupState, lease: Lease, how: LeaseEnd, at: Millis): GroupState {
  const { counting } = facts.pool.provider;
  const meters = group.meters[lease.modelClass];
  const blocks = unprobed(group.blocks, lease.id);
  if (meters === undefined) return { ...group, blocks };
  const charge = (meter: Meter) => spend(meter, { amount: heldOn(meter, lease, counting), containedAfter: at, countedBy: at });
  const charged = how === 'released' ? meters : meters.map(charge);
  return { ...group, blocks, meters: { ...group.meters, [lease.modelClass]: unhold(charged, lease, counting) } };
}
