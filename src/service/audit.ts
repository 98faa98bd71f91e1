import type { AuditLog } from '../audit/audit-log.ts';
import { type AuditRecord, standIn } from '../audit/chain.ts';
import type { Lease, PoolConfig } from '../pool/model.ts';
import { StoreLost } from '../store/store.ts';
import { type Admin, type AdminApi, adminApi } from './admin.ts';
import { Contended } from './decide.ts';
import type { Reloaded } from './generations.ts';
import { type LeaseApi, leaseApi } from './leases.ts';
import type { Pools } from './pools.ts';
import { type Answer, type Problem, refused } from './problem.ts';
import type { Service } from './service.ts';

/** The calls of a service with the audit around them. */
export interface Audited {
  readonly calls: LeaseApi;
  readonly admin: AdminApi;
  /** Writes down that a configuration was put in force; `by` is not a holder but a signal, or the start. */
  reload(by: string, run: () => Promise<Answer<Reloaded>>): Promise<Answer<Reloaded>>;
  /** Writes down that a lease ended by itself; nobody waits for that. */
  expired(lease: Lease): void;
}

/** Puts the audit around a service; without a log it stays as it is. */
export function audited({ calls, pools, store }: Pick<Service, 'calls' | 'pools' | 'store'>, admin: Admin, log: AuditLog | null): Audited {
  if (log === null) return { calls, admin: adminApi(admin), reload: (_by, run) => run(), expired: () => {} };
  const auditing = { log, pools, now: store.now };
  return {
    calls: auditedLeases(calls, auditing),
    admin: auditedAdmin(admin, auditing),
    reload: (by, run) => auditedReload(auditing, by, run),
    expired: (lease) => void log.append({ kind: 'expiry', ...facts(lease, pools.ofLease(lease.pool)) }),
  };
}

interface Auditing {
  readonly log: AuditLog;
  readonly pools: Pools;
  /** The store's time. */
  readonly now: () => number;
}

/** What is known of a call before it is answered. */
interface Asked {
  readonly call: string;
  readonly holder: string;
  readonly pool?: string | null;
  readonly key?: string | null;
  readonly lease?: string | null;
}

/** Around the calls of programs: each is written down before its answer leaves; where it cannot be, nothing leaves. */
function auditedLeases(inner: LeaseApi, auditing: Auditing): LeaseApi {
  const { pools } = auditing;
  return {
    ...leaseApi(inner),
    acquire(holder, call, caller) {
      const pool = pools.named(call.pool);
      const asked = { call: 'acquire', holder, pool: pool?.id ?? null };
      return told(
        auditing,
        asked,
        () => inner.acquire(holder, call, caller),
        ({ lease, end, credential, waitedMs }) => ({
          ...{ kind: 'grant', ...facts(lease, pool), requests: lease.requests, expires: new Date(lease.expireTime).toISOString() },
          ...{ secret_version: lease.secretVersion, secret_told: credential !== undefined, ended: end, waited_ms: waitedMs },
        }),
      );
    },
    report(holder, call) {
      const asked = { call: 'report', holder, lease: standIn(call.leaseId) };
      return told(
        auditing,
        asked,
        () => inner.report(holder, call),
        ({ lease, end, outcome }) => ({
          ...{ kind: 'report', ...facts(lease, pools.ofLease(lease.pool)), status: call.status, verdict: outcome.judgement.verdict },
          ...{ scope: outcome.scope, settled: outcome.settled, ended: end, in_progress: call.inProgress },
          ...{ input_tokens: call.usage?.inputTokens ?? null, output_tokens: call.usage?.outputTokens ?? null },
        }),
      );
    },
    markUnhealthy(holder, call) {
      const lease = 'leaseId' in call.target ? standIn(call.target.leaseId) : null;
      const asked = { call: 'mark', holder, lease };
      return told(
        auditing,
        asked,
        () => inner.markUnhealthy(holder, call),
        ({ applied, key }) => ({
          ...{ kind: 'mark', holder, pool: key?.pool ?? null, key: key?.config.id ?? null, lease },
          ...{ reason: call.reason, cooldown_ms: call.cooldownMs, applied },
        }),
      );
    },
    renew(holder, leaseId, ttlMs) {
      const asked = { call: 'renew', holder, lease: standIn(leaseId) };
      return told(
        auditing,
        asked,
        () => inner.renew(holder, leaseId, ttlMs),
        ({ lease }) => ({
          ...{ kind: 'renewal', ...facts(lease, pools.ofLease(lease.pool)), expires: new Date(lease.expireTime).toISOString() },
        }),
      );
    },
    release(holder, leaseId) {
      const asked = { call: 'release', holder, lease: standIn(leaseId) };
      return told(
        auditing,
        asked,
        () => inner.release(holder, leaseId),
        ({ lease, end }) => ({
          ...{ kind: 'release', ...facts(lease, pools.ofLease(lease.pool)), ended: end },
        }),
      );
    },
  };
}

/** Around the calls of operators: each that changes something is written down before its answer leaves. */
function auditedAdmin(inner: Admin, auditing: Auditing): AdminApi {
  const plain = adminApi(inner);
  const { pools } = auditing;
  const onKey = <T>(call: string, holder: string, pool: string, keyId: string, run: () => Promise<Answer<T>>): Promise<Answer<T>> => {
    const config = pools.named(pool);
    const key = config?.keys.some(({ id }) => id === keyId) === true ? keyId : null;
    const asked = { call, holder, pool: config?.id ?? null, key };
    return told(auditing, asked, run, () => ({ kind: 'admin', ...asked }));
  };
  return {
    ...plain,
    markHealthy: (by, pool, keyId) => onKey('mark_healthy', by, pool, keyId, () => plain.markHealthy(by, pool, keyId)),
    enable: (by, pool, keyId) => onKey('enable', by, pool, keyId, () => plain.enable(by, pool, keyId)),
    drain: (by, pool, keyId) => onKey('drain', by, pool, keyId, () => plain.drain(by, pool, keyId)),
    revoke(by, leaseId) {
      const asked = { call: 'revoke', holder: by, lease: standIn(leaseId) };
      return told(
        auditing,
        asked,
        () => plain.revoke(by, leaseId),
        ({ lease, end }) => ({
          ...{ kind: 'admin', call: 'revoke', ...facts(lease, pools.ofLease(lease.pool)), holder: by, ended: end },
        }),
      );
    },
    reload: (by) => auditedReload(auditing, by, () => plain.reload(by)),
  };
}

function auditedReload(auditing: Auditing, by: string, reload: () => Promise<Answer<Reloaded>>): Promise<Answer<Reloaded>> {
  const asked = { call: 'reload', holder: by };
  return told(auditing, asked, reload, ({ generation, addedKeys, removedKeys, rotatedKeys }) => ({
    ...{ kind: 'admin', ...asked, generation, added_keys: addedKeys, removed_keys: removedKeys, rotated_keys: rotatedKeys },
  }));
}

async function told<T>(
  { log, now }: Auditing,
  asked: Asked,
  run: () => Promise<Answer<T>>,
  describe: (value: T) => AuditRecord,
): Promise<Answer<T>> {
  const lost = (at: number) => refused<T>({ kind: 'unavailable', why: 'audit_lost' }, at);
  if (log.isLost) return lost(now());
  let answer: Answer<T>;
  try {
    answer = await run();
  } catch (fault) {
    await log.append({ kind: 'refusal', ...asked, reason: reasonOf(fault) });
    throw fault;
  }
  const record = answer.ok ? describe(answer.value) : { kind: 'refusal', ...asked, reason: nameOf(answer.problem) };
  return (await log.append(record)) ? answer : lost(answer.now);
}

/** Of a lease what may be told: its id is a bearer token, so its stand-in, and a model that no class names may be anything. */
function facts({ id, pool, keyId, holder, modelClass }: Lease, config: PoolConfig | undefined) {
  const isNamed = modelClass === '' || config?.modelClasses.some((known) => known.id === modelClass) === true;
  return { holder, pool, key: keyId, lease: standIn(id), model_class: isNamed ? modelClass : standIn(modelClass) };
}

function nameOf(problem: Problem): string {
  if (problem.kind === 'unavailable') return problem.why;
  return problem.kind === 'not_found' ? `no_such_${problem.resource}` : problem.kind;
}

function reasonOf(fault: unknown): string {
  if (fault instanceof StoreLost) return 'store_lost';
  return fault instanceof Contended ? 'contended' : 'fault';
}
