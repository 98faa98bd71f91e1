/** What is answered: nouns turned into messages. */
import type { BlockStatus, KeyStatus, LimitStatus } from '../generated/keylease/v1/key.ts';
import { UnhealthyReason } from '../generated/keylease/v1/key.ts';
import type { AcquireKeyResponse, MarkUnhealthyResponse, ReportHeadersResponse } from '../generated/keylease/v1/key_lease_service.ts';
import { type Lease, LeaseState } from '../generated/keylease/v1/lease.ts';
import type { PoolStatus } from '../generated/keylease/v1/pool_admin_service.ts';
import type { Reason } from '../pool/model.ts';
import type { MarkOutcome } from '../pool/operate.ts';
import type { BlockView, KeyView, LimitView } from '../pool/status.ts';
import type { PoolView } from '../service/admin.ts';
import type { AcquireAnswer, LeaseView, ReportAnswer } from '../service/leases.ts';
import { durationOf, maybeTimestampOf, timestampOf } from './time.ts';
import { BLOCK_SCOPES, DIMENSIONS, KEY_STATES, LEASE_ENDS, REASONS, RETRY_ACTIONS, SCOPES, SOURCES, VERDICTS } from './words.ts';

export function leaseMessage({ lease, end }: LeaseView): Lease {
  return {
    leaseId: lease.id,
    pool: lease.pool,
    keyId: lease.keyId,
    modelClass: lease.modelClass,
    holder: lease.holder,
    state: end === null ? LeaseState.LEASE_STATE_ACTIVE : LEASE_ENDS[end],
    acquireTime: timestampOf(lease.acquireTime),
    expireTime: timestampOf(lease.expireTime),
    requestsReserved: lease.requests,
    requestsReported: lease.requestsReported,
  };
}

export function acquireResponse(answer: AcquireAnswer): AcquireKeyResponse {
  const { credential } = answer;
  return {
    lease: leaseMessage(answer),
    credential: credential === undefined ? undefined : { ...credential, headers: { ...credential.headers } },
    capacityScore: answer.score,
    waited: durationOf(answer.waitedMs),
  };
}

export function reportResponse(answer: ReportAnswer): ReportHeadersResponse {
  const { outcome } = answer;
  const { action, delayMs } = outcome.retry;
  return {
    lease: leaseMessage(answer),
    key: answer.key && keyMessage(answer.key),
    verdict: VERDICTS[outcome.judgement.verdict],
    scope: SCOPES[outcome.scope],
    until: maybeTimestampOf(outcome.until),
    retry: { action: RETRY_ACTIONS[action], delay: delayMs === null ? undefined : durationOf(delayMs) },
    ignoredHeaders: outcome.ignored.map(({ name, reason }) => ({ name, reason })),
  };
}

export function markResponse(outcome: MarkOutcome & { key: KeyView | undefined }): MarkUnhealthyResponse {
  return { key: outcome.key && keyMessage(outcome.key), applied: outcome.applied, note: outcome.note };
}

export function keyMessage(view: KeyView): KeyStatus {
  return {
    pool: view.pool,
    keyId: view.config.id,
    fingerprint: view.fingerprint,
    limitGroup: view.limitGroup,
    state: KEY_STATES[view.state],
    reason: reasonMessage(view.reason),
    message: view.message,
    availableTime: maybeTimestampOf(view.availableTime),
    capacityScore: view.score,
    activeLeases: view.activeLeases,
    limits: view.limits.map(limitMessage),
    weight: view.config.weight,
    priority: view.config.priority,
    lastReportTime: maybeTimestampOf(view.lastReportTime),
    learnedConcurrency: view.concurrency.map(({ modelClass, limit, underWay }) => ({ modelClass, limit, underWay })),
    blocks: view.blocks.map(blockMessage),
  };
}

export function blockMessage({ scope, modelClass, state, reason, message, availableTime }: BlockView): BlockStatus {
  return {
    scope: BLOCK_SCOPES[scope],
    modelClass,
    state: KEY_STATES[state],
    reason: reasonMessage(reason),
    message,
    until: maybeTimestampOf(availableTime),
  };
}

function reasonMessage(reason: Reason | null): UnhealthyReason {
  return reason === null ? UnhealthyReason.UNHEALTHY_REASON_UNSPECIFIED : REASONS[reason];
}

export function limitMessage(limit: LimitView): LimitStatus {
  return {
    dimension: DIMENSIONS[limit.dimension],
    modelClass: limit.modelClass,
    window: limit.windowMs === null ? undefined : durationOf(limit.windowMs),
    limit: amountOf(limit.limit),
    remaining: amountOf(limit.remaining),
    reserved: amountOf(limit.reserved),
    resetTime: maybeTimestampOf(limit.resetTime),
    source: SOURCES[limit.source],
  };
}

/** A uint64 that every client reads exactly: sums of what callers say may be more. */
export function amountOf(amount: number): number {
  return Math.min(amount, Number.MAX_SAFE_INTEGER);
}

export function poolMessage(view: PoolView): PoolStatus {
  return {
    pool: view.config.id,
    provider: view.config.provider.name,
    strategy: view.config.strategy.name,
    keys: view.config.keys.length,
    availableKeys: view.availableKeys,
    activeLeases: view.activeLeases,
    waiting: view.waiting,
    grantsFromTime: maybeTimestampOf(view.grantsFrom),
  };
}
