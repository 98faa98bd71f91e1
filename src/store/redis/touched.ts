import type { Change, GroupState, KeyState, Lease, PoolState, RequestRecord, UsageEstimate } from '../../pool/model.ts';
import { nextVersion, type PoolTables, requestKey } from '../pool-tables.ts';
import { FRESH_POOL } from '../store.ts';

/** The kinds of record, each by the place of its hash among the keys of the scripts. */
export const KINDS = { state: '3', keys: '4', groups: '5', leases: '6', requests: '7', usage: '8' } as const;

export type Kind = (typeof KINDS)[keyof typeof KINDS];

export type StoredRecord = PoolState | KeyState | GroupState | Lease | RequestRecord | UsageEstimate;

/**
 * Whether a change stands only where the record is the one that was read. Leases rest on their limit group, which is. What calls of a
 * model class use is an estimate that every settlement moves: of two replicas that move it at once the last one's stands.
 */
export function isCompared(kind: Kind): boolean {
  return kind !== KINDS.leases && kind !== KINDS.usage;
}

/** A record that a change touches. */
export interface Touched {
  readonly kind: Kind;
  readonly id: string;
  /** Undefined: there is none any more. */
  readonly record: StoredRecord | undefined;
  /** False: only its stamp moves, because what it says rests on other records of the change. */
  readonly isWritten: boolean;
}

/** One that is compared. */
export interface Compared extends Touched {
  /** What `nameOf` makes of kind and id. */
  readonly name: string;
}

/** Names a record within a pool. */
export function nameOf(kind: Kind, id: string): string {
  return kind + id;
}

/**
 * Every record of a change as it will be; of those that are compared each once. The limit group of a lease, and the one it leaves, is
 * touched by whatever changes the lease: its reservations are counted from its leases, so two who change leases of one group must not
 * overlook each other.
 */
export function touchedBy(change: Change, tables: PoolTables): { compared: Compared[]; uncompared: Touched[] } {
  const compared = new Map<string, Compared>();
  const uncompared: Touched[] = [];
  const compare = (kind: Kind, id: string, record: StoredRecord | undefined, isWritten: boolean) => {
    const name = nameOf(kind, id);
    compared.set(name, { kind, id, name, record, isWritten });
  };
  const touchGroup = (id: string | undefined) => {
    if (id !== undefined) compare(KINDS.groups, id, tables.groups.get(id), false);
  };
  const write = (kind: Kind, id: string, record: StoredRecord | undefined) => uncompared.push({ kind, id, record, isWritten: true });
  for (const lease of change.leases ?? []) {
    const before = tables.leases.get(lease.id)?.group;
    touchGroup(lease.group);
    if (before !== lease.group) touchGroup(before);
    write(KINDS.leases, lease.id, lease);
  }
  for (const id of change.ended ?? []) {
    touchGroup(tables.leases.get(id)?.group);
    write(KINDS.leases, id, undefined);
  }
  if (change.state !== undefined) {
    const { blocks, turn, usage } = tables.state;
    const learnt = Object.entries(change.state.usage).filter(([modelClass, estimate]) => usage[modelClass] !== estimate);
    for (const [modelClass, estimate] of learnt) write(KINDS.usage, modelClass, estimate);
    const isAllLearnt = learnt.length > 0 && change.state.blocks === blocks && change.state.turn === turn;
    if (!isAllLearnt) compare(KINDS.state, '', nextVersion({ ...change.state, usage: FRESH_POOL.usage }), true);
  }
  for (const key of change.keys ?? []) compare(KINDS.keys, key.id, nextVersion(key), true);
  for (const group of change.groups ?? []) compare(KINDS.groups, group.id, nextVersion(group), true);
  for (const request of change.requests ?? []) compare(KINDS.requests, requestKey(request.holder, request.requestId), request, true);
  return { compared: [...compared.values()], uncompared };
}

/** The tables' record of that name. */
export function recordIn(tables: PoolTables, kind: Kind, id: string): StoredRecord | undefined {
  switch (kind) {
    case KINDS.state:
      return tables.state;
    case KINDS.keys:
      return tables.keys.get(id);
    case KINDS.groups:
      return tables.groups.get(id);
    case KINDS.leases:
      return tables.leases.get(id);
    case KINDS.requests:
      return tables.requests.get(id);
    case KINDS.usage:
      return tables.state.usage[id];
    default:
      return kind satisfies never;
  }
}

/** Puts a record into the tables, or takes it out where it is undefined. */
export function putInto(tables: PoolTables, { kind, id, record }: Pick<Touched, 'kind' | 'id' | 'record'>): void {
  const { usage } = tables.state;
  if (kind === KINDS.state) tables.state = { ...((record as PoolState | undefined) ?? FRESH_POOL), usage };
  else if (kind === KINDS.usage) tables.state = { ...tables.state, usage: withUsage(usage, id, record as UsageEstimate | undefined) };
  else if (kind === KINDS.leases && record === undefined) tables.endLease(id);
  else if (kind === KINDS.leases) tables.putLease(record as Lease);
  else {
    const records = kind === KINDS.keys ? tables.keys : kind === KINDS.groups ? tables.groups : tables.requests;
    if (record === undefined) records.delete(id);
    else (records as Map<string, StoredRecord>).set(id, record);
  }
}

function withUsage(usage: PoolState['usage'], modelClass: string, estimate: UsageEstimate | undefined): PoolState['usage'] {
  const { [modelClass]: _, ...others } = usage;
  return estimate === undefined ? others : { ...others, [modelClass]: estimate };
}

/** What listeners are told of records that others changed; `state` is the pool's with these in it. */
export function changeOf(pool: string, touched: readonly Touched[], state: PoolState): Change {
  const change: { -readonly [K in keyof Change]: Change[K] } = { pool };
  const [keys, groups, leases, ended, requests]: [KeyState[], GroupState[], Lease[], string[], RequestRecord[]] = [[], [], [], [], []];
  for (const { kind, id, record, isWritten } of touched) {
    if (!isWritten) continue;
    if (record === undefined) {
      if (kind === KINDS.leases) ended.push(id);
    } else if (kind === KINDS.state || kind === KINDS.usage) change.state = state;
    else if (kind === KINDS.keys) keys.push(record as KeyState);
    else if (kind === KINDS.groups) groups.push(record as GroupState);
    else if (kind === KINDS.leases) leases.push(record as Lease);
    else requests.push(record as RequestRecord);
  }
  for (const [name, records] of Object.entries({ keys, groups, leases, ended, requests })) {
    if (records.length > 0) Object.assign(change, { [name]: records });
  }
  return change;
}
