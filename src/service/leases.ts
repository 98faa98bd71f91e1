import type { AcquireRequest, Chance, Granted } from '../pool/acquire.ts';
import { end, renew } from '../pool/lease.ts';
import type { Facts, Lease, LeaseEnd, PoolConfig, Reason } from '../pool/model.ts';
import { type MarkOutcome, markUnhealthy } from '../pool/operate.ts';
import { type ReportOutcome, report } from '../pool/report.ts';
import { type KeyView, keyView, keyViews } from '../pool/status.ts';
import type { Credential, Millis, ModelClass, Verdict } from '../pool/upstream.ts';
import { StoreLost } from '../store/store.ts';
import { type Deciding, decide } from './decide.ts';
import { EndedLeases } from './ended-leases.ts';
import type { LeaseIds } from './lease-id.ts';
import { ModelClasses } from './model-classes.ts';
import type { Pools } from './pools.ts';
import { type Answer, answered, notFound, refused } from './problem.ts';
import { type ReportCall, readReport } from './read-report.ts';
import type { Patience, Waited, Waiting } from './waiting.ts';

/** How often a call is decided again whose lease was over before it could be answered. */
const LATE_MAX = 3;

/** What the service tells about itself, for a log or a meter. */
export interface Events {
  /** Responses of two keys named one account: they share a limit group from now on. */
  joinedGroup(pool: string, keyId: string, group: string): void;
  /** A key, or the whole limit group of it, was taken out of a pool until further notice. */
  poolShrank(pool: string, keyId: string, verdict: Verdict, left: { readonly available: number; readonly keys: number }): void;
  /** A lease came to its end without a report. */
  leaseExpired(lease: Lease): void;
}

export interface LeasesOptions extends Deciding {
  readonly pools: Pools;
  readonly waiting: Waiting;
  readonly ids: LeaseIds;
  readonly events: Events;
  readonly chance: Chance;
}

/** Who waits for an answer: whether anybody still does, and for how long. */
export interface Caller extends Omit<Patience, 'maxWaitMs'> {
  readonly cancelled: () => boolean;
  /** Whether the caller is still who it was when it called; left out: that cannot change. */
  readonly isStillKnown?: () => boolean | Promise<boolean>;
}

const PATIENT_CALLER: Caller = { cancelled: () => false, deadlineMs: Number.POSITIVE_INFINITY, onCancel: () => () => {} };

/** An acquire as the caller sent it, checked. */
export interface AcquireCall extends Omit<AcquireRequest, 'holder' | 'modelClass'> {
  readonly pool: string;
  readonly model: string;
  /** null: answer at once. */
  readonly maxWaitMs: number | null;
  readonly priority: number;
}

export interface LeaseView {
  readonly lease: Lease;
  /** null: under way. */
  readonly end: LeaseEnd | null;
}

export interface AcquireAnswer extends LeaseView {
  /** Undefined where a repeated request id names a lease that has ended since. */
  readonly credential: Credential | undefined;
  readonly score: number;
  /** Time spent in line. */
  readonly waitedMs: number;
}

export interface ReportAnswer extends LeaseView {
  readonly key: KeyView | undefined;
  readonly outcome: ReportOutcome;
}

export interface MarkCall {
  readonly target: { readonly leaseId: string } | { readonly pool: string; readonly keyId: string };
  readonly reason: Reason;
  readonly message: string;
  readonly cooldownMs: number | null;
}

/** The calls of programs as the wire knows them. What counts, records or audits them is put around it, layer by layer. */
export type LeaseApi = Pick<Leases, 'acquire' | 'report' | 'markUnhealthy' | 'renew' | 'release'>;

/** The calls as an object whose members can be replaced one by one. */
export function leaseApi(inner: LeaseApi): LeaseApi {
  return {
    acquire: (holder, call, caller) => inner.acquire(holder, call, caller),
    report: (holder, call) => inner.report(holder, call),
    markUnhealthy: (holder, call) => inner.markUnhealthy(holder, call),
    renew: (holder, leaseId, ttlMs) => inner.renew(holder, leaseId, ttlMs),
    release: (holder, leaseId) => inner.release(holder, leaseId),
  };
}

/** The calls of programs, one method each. A holder sees its own leases only: another's is as if it did not exist. */
export class Leases {
  readonly #with: LeasesOptions;
  readonly #chance: Chance;
  readonly #ended = new EndedLeases();
  readonly #classes = new ModelClasses();

  constructor(options: LeasesOptions) {
    this.#with = options;
    this.#chance = options.chance;
  }

  /** Leases a key; waits in line for it where the caller would rather wait than fail. */
  async acquire(holder: string, call: AcquireCall, caller: Caller = PATIENT_CALLER): Promise<Answer<AcquireAnswer>> {
    const pool = this.#with.pools.named(call.pool);
    if (pool === undefined) return notFound('pool', call.pool, this.#with.store.now());
    const request: AcquireRequest = { ...call, holder, modelClass: this.modelClass(pool, call.model) };
    const { result, now, waitedMs } = await this.#acquireInTime(pool, request, call, caller);
    switch (result.kind) {
      case 'granted': {
        if (caller.cancelled() && call.requestId === '') return this.#giveBack(pool, result, now);
        const { lease, score } = result;
        return answered({ lease, end: null, credential: this.#with.pools.credential(lease.pool, lease.keyId), score, waitedMs }, now);
      }
      case 'repeated': {
        const { lease, end } = result.record;
        const credential = end === null ? this.#with.pools.credential(lease.pool, lease.keyId) : undefined;
        const score = viewOf(this.#with.store.read(pool), lease.keyId, lease.modelClass)?.score ?? 0;
        return answered({ lease, end, credential, score, waitedMs }, now);
      }
      default:
        return refused(result, now);
    }
  }

  /** Again where this process was held up so long that what it would hand out is over: it was stopped, or its store took too long. */
  async #acquireInTime(pool: PoolConfig, request: AcquireRequest, call: AcquireCall, caller: Caller): Promise<Waited> {
    const { store, expiry } = this.#with;
    for (let attempt = 0; attempt < LATE_MAX; attempt += 1) {
      const waited = await this.#acquireOrWait(pool, request, call, caller);
      if (!isOver(waited.result, store.now())) return waited;
      if (expiry.isDue(store.now())) await expiry.run();
    }
    throw new StoreLost('the store answers later than leases last');
  }

  async #acquireOrWait(pool: PoolConfig, request: AcquireRequest, call: AcquireCall, caller: Caller): Promise<Waited> {
    const { waiting } = this.#with;
    const { priority, maxWaitMs } = call;
    const patient = maxWaitMs !== null && maxWaitMs > 0;
    const wait = () => waiting.wait(pool, request, priority, { ...caller, maxWaitMs: maxWaitMs ?? 0 });
    if (patient && waiting.hasLine(pool.id, request.modelClass)) return wait();
    const { outcome, facts } = await decide(this.#with, pool, (facts) => waiting.acquire(facts, request));
    if (outcome.kind === 'granted') waiting.overtaken(pool.id, request.modelClass);
    return patient && outcome.kind === 'exhausted' ? wait() : { result: outcome, now: facts.now, waitedMs: 0 };
  }

  /** Learns from a report and settles its lease. */
  async report(holder: string, call: ReportCall): Promise<Answer<ReportAnswer>> {
    const found = this.#find(holder, call.leaseId);
    if (found === undefined) return notFound('lease', call.leaseId, this.#with.store.now());
    const { pool } = found;
    const headers = this.#with.pools.withoutSecretOf(pool.id, found.lease.keyId, call.headers);
    const { outcome, facts } = await decide(this.#with, pool, (facts) => {
      const lease = facts.lease(call.leaseId);
      const told = readReport(pool.provider, { ...call, headers }, facts.now);
      return report(facts, lease ?? found.lease, lease !== undefined, told, this.#chance.random);
    });
    if (outcome.settled) this.#ended.add(outcome.lease, 'settled');
    if (outcome.joinedGroup !== null) this.#with.events.joinedGroup(pool.id, outcome.lease.keyId, outcome.joinedGroup);
    if (takesKeysOut(outcome)) this.#tellShrunk(pool, outcome);
    const { lease } = outcome;
    const end = outcome.underWay ? null : this.#endOf(lease, facts.now);
    const key = viewOf(this.#with.store.read(pool), lease.keyId, lease.modelClass);
    return answered({ lease: this.#ended.get(lease.id)?.lease ?? lease, end, key, outcome }, facts.now);
  }

  /** Takes a key out: by one of the holder's leases, or by its name. */
  async markUnhealthy(holder: string, call: MarkCall): Promise<Answer<MarkOutcome & { key: KeyView | undefined }>> {
    const target = this.#markTarget(holder, call.target);
    if (!target.ok) return target;
    const { pool, lease, config } = target.value;
    const message = this.#with.pools.withoutSecrets(call.message);
    const mark = { reason: call.reason, message, cooldownMs: call.cooldownMs, lease };
    const { outcome, facts } = await decide(this.#with, pool, (facts) => markUnhealthy(facts, config, mark, this.#chance.random));
    const key = viewOf(this.#with.store.read(pool), config.id, null);
    return answered({ ...outcome, key }, facts.now);
  }

  async renew(holder: string, leaseId: string, ttlMs: number | null): Promise<Answer<LeaseView>> {
    const found = this.#find(holder, leaseId);
    if (found === undefined) return notFound('lease', leaseId, this.#with.store.now());
    const { outcome, facts } = await decide(this.#with, found.pool, (facts) => {
      const lease = facts.lease(leaseId);
      return lease === undefined ? { outcome: undefined, change: { pool: found.pool.id } } : renew(facts, lease, ttlMs);
    });
    return outcome === undefined ? notFound('lease', leaseId, facts.now) : answered({ lease: outcome, end: null }, facts.now);
  }

  /** Gives a lease back. One that has ended stays as it ended. */
  async release(holder: string, leaseId: string): Promise<Answer<LeaseView>> {
    const found = this.#find(holder, leaseId);
    if (found === undefined) return notFound('lease', leaseId, this.#with.store.now());
    return this.#end(found.pool, found.lease, 'released');
  }

  /** Ends anybody's lease: for operators. */
  async revoke(leaseId: string): Promise<Answer<LeaseView>> {
    const found = this.#find(null, leaseId);
    if (found === undefined) return notFound('lease', leaseId, this.#with.store.now());
    return this.#end(found.pool, found.lease, 'revoked');
  }

  modelClass(pool: PoolConfig, model: string): ModelClass {
    return this.#classes.of(pool, model);
  }

  /** Remembers a lease that ended by itself, so that late calls hear how. */
  noteExpired(lease: Lease): void {
    this.#ended.add(lease, 'expired');
    this.#with.events.leaseExpired(lease);
  }

  async #end(pool: PoolConfig, known: Lease, how: 'released' | 'revoked'): Promise<Answer<LeaseView>> {
    const { outcome, facts } = await decide(this.#with, pool, (facts) => {
      const lease = facts.lease(known.id);
      return lease === undefined ? { outcome: undefined, change: { pool: pool.id } } : end(facts, lease, how);
    });
    if (outcome === undefined)
      return answered({ lease: this.#ended.get(known.id)?.lease ?? known, end: this.#endOf(known, facts.now) }, facts.now);
    this.#ended.add(outcome, how);
    return answered({ lease: outcome, end: how }, facts.now);
  }

  /** A lease of this holder (null: of anybody), under way or told by its id alone. */
  #find(holder: string | null, leaseId: string): { pool: PoolConfig; lease: Lease } | undefined {
    const { ids, pools, store } = this.#with;
    const pool = pools.ofLease(ids.claimed(leaseId)?.pool ?? '');
    if (pool === undefined) return undefined;
    const lease = store.read(pool).lease(leaseId) ?? this.#ended.get(leaseId)?.lease ?? ids.read(leaseId);
    return lease === undefined || (holder !== null && lease.holder !== holder) ? undefined : { pool, lease };
  }

  /** Without a memory of its end, a lease whose time is over has expired, and another one was settled. */
  #endOf(lease: Lease, now: Millis): LeaseEnd {
    return this.#ended.get(lease.id)?.end ?? (lease.expireTime <= now ? 'expired' : 'settled');
  }

  #markTarget(
    holder: string,
    target: MarkCall['target'],
  ): Answer<{ pool: PoolConfig; lease: Lease | null; config: PoolConfig['keys'][number] }> {
    const now = this.#with.store.now();
    const found = 'leaseId' in target ? this.#find(holder, target.leaseId) : undefined;
    if ('leaseId' in target && found === undefined) return notFound('lease', target.leaseId, now);
    const pool = found?.pool ?? ('pool' in target ? this.#with.pools.named(target.pool) : undefined);
    if (pool === undefined) return notFound('pool', 'pool' in target ? target.pool : '', now);
    const keyId = found?.lease.keyId ?? ('keyId' in target ? target.keyId : '');
    const config = pool.keys.find(({ id }) => id === keyId);
    return config === undefined ? notFound('key', keyId, now) : answered({ pool, lease: found?.lease ?? null, config }, now);
  }

  #tellShrunk(pool: PoolConfig, { lease, judgement }: ReportOutcome): void {
    const views = keyViews(this.#with.store.read(pool));
    const available = views.filter(({ state }) => state === 'available').length;
    this.#with.events.poolShrank(pool.id, lease.keyId, judgement.verdict, { available, keys: views.length });
  }

  async #giveBack(pool: PoolConfig, { lease }: Granted, now: Millis): Promise<Answer<AcquireAnswer>> {
    await this.#end(pool, lease, 'released');
    return refused({ kind: 'cancelled' }, now);
  }
}

/** Whether an answer would hand out a lease whose time has passed since it was decided. */
function isOver(result: Waited['result'], now: Millis): boolean {
  if (result.kind === 'granted') return result.lease.expireTime <= now;
  return result.kind === 'repeated' && result.record.end === null && result.record.lease.expireTime <= now;
}

/** Whether a report made a pool smaller for longer than a cooldown. */
function takesKeysOut({ judgement: { verdict }, scope }: ReportOutcome): boolean {
  return (verdict === 'invalid_credential' || verdict === 'billing') && scope !== 'request';
}

function viewOf(facts: Facts, keyId: string, modelClass: ModelClass | null): KeyView | undefined {
  const config = facts.pool.keys.find(({ id }) => id === keyId);
  return config === undefined ? undefined : keyView(facts, config, modelClass);
}
