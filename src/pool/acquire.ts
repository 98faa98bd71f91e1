import { bestKey } from './best-key.ts';
import { probed } from './block.ts';
import { KeyCandidate } from './candidate.ts';
import { type AskedDemand, demandOn, wantedDemand } from './demand.ts';
import { guessedSendTime, hold } from './hold.ts';
import type { KeyIndex } from './key-index.ts';
import type { Change, Facts, GroupState, KeyState, Lease, PoolState, RequestRecord, Turn } from './model.ts';
import type { Refusal } from './refusal.ts';
import { refusalOf } from './refusal.ts';
import { type Ask, type KnownKey, knownKey, metersOf, passedOver } from './room.ts';
import { capacityScore } from './score.ts';
import { choose } from './strategy/index.ts';
import type { Millis, ModelClass } from './upstream.ts';

/** What a caller asks for, checked and completed. */
export interface AcquireRequest extends AskedDemand {
  readonly holder: string;
  readonly modelClass: ModelClass;
  /** null: the pool's default. */
  readonly ttlMs: number | null;
  /** Empty: none. */
  readonly affinity: string;
  readonly excluded: ReadonlySet<string>;
  /** Empty: none. */
  readonly requestId: string;
  readonly contentHash: string;
  /** How many leases of the pool the holder may have under way; left out: any number. */
  readonly holderLeasesMax?: number | null;
}

/** What a lease id must tell about itself once the lease is gone. */
export type LeaseClaims = Omit<Lease, 'id' | 'held' | 'requestsReported' | 'sentTime' | 'answerTime' | 'requestId'>;

/** What a decision gets from outside besides the facts: chance, lease ids that nobody can guess, and an index for a large pool. */
export interface Chance {
  readonly random: () => number;
  readonly mintLeaseId: (claims: LeaseClaims) => string;
  readonly indexOf?: (facts: Facts, modelClass: ModelClass) => KeyIndex | undefined;
  /** The same of those keys alone that are to be chosen first: of the highest tier, and at home here. */
  readonly homeIndexOf?: (facts: Facts, modelClass: ModelClass) => KeyIndex | undefined;
}

export interface Granted {
  readonly kind: 'granted';
  readonly lease: Lease;
  /** Of the chosen key after this grant. */
  readonly score: number;
}

export type AcquireOutcome =
  | Granted
  | { readonly kind: 'repeated'; readonly record: RequestRecord }
  | { readonly kind: 'request_id_reused' }
  | HolderLimited
  | Refusal;

/** The holder has as much as it may. */
export interface HolderLimited {
  readonly kind: 'holder_limited';
  readonly cap: 'max_leases' | 'max_waiters' | 'requests_per_second' | 'max_in_flight';
  readonly limit: number;
  readonly retryTime: Millis;
}

/** When to ask again for one lease more than a holder may have: nobody knows when it gives one back. */
const HELD_RETRY_MS = 1_000;

/** How long after its latest possible end a lease's request id is remembered. */
export const REQUEST_ID_MEMORY_MS = 3_600_000;

/** Leases one key, or says why none can be leased. */
export function acquire(facts: Facts, request: AcquireRequest, chance: Chance): { outcome: AcquireOutcome; change: Change } {
  const nothing: Change = { pool: facts.pool.id };
  const record = request.requestId === '' ? undefined : facts.request(request.holder, request.requestId);
  if (record !== undefined && record.forgetTime > facts.now) {
    if (record.contentHash !== request.contentHash) return { outcome: { kind: 'request_id_reused' }, change: nothing };
    return { outcome: { kind: 'repeated', record: asItStands(facts, record) }, change: nothing };
  }
  const limit = request.holderLeasesMax ?? null;
  if (limit !== null && facts.leaseCountOf(request.holder) >= limit) {
    return { outcome: { kind: 'holder_limited', cap: 'max_leases', limit, retryTime: facts.now + HELD_RETRY_MS }, change: nothing };
  }
  const ask = askOf(facts, request);
  const found = pick(facts, ask, request.affinity, chance);
  if (found.refusal !== null) return { outcome: found.refusal, change: nothing };
  const { known, turn } = found;
  return grant(facts, known, request, ask, turn === facts.state.turn ? facts.state : { ...facts.state, turn }, chance);
}

type Picked = { readonly refusal: null; readonly known: KnownKey; readonly turn: Turn } | { readonly refusal: Refusal };

/** One key with room, or why there is none: by an index where the pool has one, else by looking at every key. */
function pick(facts: Facts, ask: Ask, affinity: string, chance: Chance): Picked {
  const index = affinity === '' ? chance.indexOf?.(facts, ask.modelClass) : undefined;
  const remembered = index?.refusal(facts, ask);
  if (remembered !== undefined) return { refusal: remembered };
  // An order to keep, or a key to return to, goes before a home.
  const value = affinity === '' ? facts.pool.strategy.value : undefined;
  if (index !== undefined && value !== undefined) {
    const known = chance.homeIndexOf?.(facts, ask.modelClass)?.find(facts, ask) ?? index.find(facts, ask);
    if (known !== undefined) return { refusal: null, known, turn: facts.state.turn };
  }
  const found = value === undefined ? chosen(facts, ask, affinity, chance) : bestFound(facts, bestKey(facts, ask, value));
  if (found !== undefined) return found;
  const keys = facts.pool.keys.map((config) => knownKey(facts, config));
  const refusal = refusalOf(facts, keys, ask);
  index?.remember(ask, refusal);
  return { refusal };
}

function bestFound(facts: Facts, known: KnownKey | undefined): Picked | undefined {
  return known && { refusal: null, known, turn: facts.state.turn };
}

/** What the strategy, or the affinity, chooses among the keys with room; undefined: there is none. */
function chosen(facts: Facts, ask: Ask, affinity: string, chance: Chance): Picked | undefined {
  const candidates = withRoom(facts, ask);
  if (candidates.length === 0) return undefined;
  const choice = choose(candidates, facts.pool.strategy, affinity, facts.state.turn, chance.random);
  return { refusal: null, known: choice.chosen.known, turn: choice.turn };
}

function withRoom(facts: Facts, ask: Ask): KeyCandidate[] {
  const candidates: KeyCandidate[] = [];
  for (const config of facts.pool.keys) {
    const key = knownKey(facts, config);
    if (passedOver(facts, key, ask) === null) candidates.push(new KeyCandidate(key, ask.modelClass, facts.now));
  }
  return candidates;
}

/** When to ask again for room that is kept for somebody: nobody knows when that one is served. */
const KEPT_RETRY_MS = 1_000;

/** Refuses although a key may have room: it is kept for one that waits in line. */
export function refuse(facts: Facts, request: AcquireRequest): { outcome: AcquireOutcome; change: Change } {
  const keys = facts.pool.keys.map((config) => knownKey(facts, config));
  const refusal = refusalOf(facts, keys, askOf(facts, request));
  const outcome = refusal.kind === 'exhausted' ? { ...refusal, retryTime: facts.now + KEPT_RETRY_MS } : refusal;
  return { outcome, change: { pool: facts.pool.id } };
}

/** The question put to every key for a request. */
export function askOf(facts: Facts, request: Pick<AcquireRequest, keyof AskedDemand | 'modelClass' | 'excluded'>): Ask {
  const wanted = wantedDemand(request, facts.state, request.modelClass);
  return { wanted, modelClass: request.modelClass, excluded: request.excluded };
}

/** The lease in a record is the one that was granted; renewals and settled parts stand in the lease that is under way. */
function asItStands(facts: Facts, record: RequestRecord): RequestRecord {
  return { ...record, lease: facts.lease(record.lease.id) ?? record.lease };
}

function grant(facts: Facts, key: KnownKey, request: AcquireRequest, ask: Ask, pool: PoolState, chance: Chance) {
  const { counting } = facts.pool.provider;
  const lease = newLease(facts, key, request, ask, chance);
  const meters = hold(metersOf(key.group, key.config, ask.modelClass), lease, counting);
  const known: GroupState = key.group ?? { id: key.state.group, version: 0, blocks: {}, meters: {} };
  const blocks = probed(known.blocks, ask.modelClass, lease.id, facts.now);
  const group =
    meters.length === 0 && blocks === known.blocks ? known : { ...known, blocks, meters: { ...known.meters, [ask.modelClass]: meters } };
  const change: Change = {
    pool: facts.pool.id,
    ...(pool === facts.state ? {} : { state: pool }),
    keys: [grantedKey(key.state, lease, facts)],
    ...(group === known ? {} : { groups: [group] }),
    leases: [lease],
    ...(request.requestId === '' ? {} : { requests: [recordOf(facts, request, lease)] }),
  };
  const outcome: Granted = { kind: 'granted', lease, score: capacityScore(meters, facts.now) };
  return { outcome, change };
}

function newLease(facts: Facts, key: KnownKey, request: AcquireRequest, ask: Ask, chance: Chance): Lease {
  const ttlMs = Math.min(request.ttlMs ?? facts.pool.leaseTtlMs, facts.pool.leaseTtlMaxMs);
  const claims: LeaseClaims = {
    pool: facts.pool.id,
    keyId: key.config.id,
    group: key.state.group,
    modelClass: ask.modelClass,
    holder: request.holder,
    secretVersion: key.state.secretVersion,
    acquireTime: facts.now,
    expireTime: facts.now + ttlMs,
    requests: request.requests,
  };
  const held = demandOn(ask.wanted, metersOf(key.group, key.config, ask.modelClass));
  return {
    ...claims,
    id: chance.mintLeaseId(claims),
    requestsReported: 0,
    held: { requests: held.requests, inputTokens: held.inputTokens, outputTokens: held.outputTokens },
    sentTime: guessedSendTime(request.requests, facts.now),
    answerTime: null,
    requestId: request.requestId,
  };
}

function grantedKey(key: KeyState, lease: Lease, facts: Facts): KeyState {
  return {
    ...key,
    activeLeases: key.activeLeases + 1,
    lastGrant: facts.sequence + 1,
    block: key.block === null ? null : (probed({ '': key.block }, '', lease.id, facts.now)[''] ?? null),
    modelBlocks: probed(key.modelBlocks, lease.modelClass, lease.id, facts.now),
  };
}

function recordOf(facts: Facts, request: AcquireRequest, lease: Lease): RequestRecord {
  return {
    holder: request.holder,
    requestId: request.requestId,
    contentHash: request.contentHash,
    lease,
    end: null,
    forgetTime: facts.now + facts.pool.leaseTtlMaxMs + REQUEST_ID_MEMORY_MS,
  };
}
