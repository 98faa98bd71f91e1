import { unprobed } from './block.ts';
import { adapted, type ConcurrencyEvidence, leasesUnderWay } from './concurrency.ts';
import { learnUsage } from './demand.ts';
import { type Diagnosis, diagnose } from './health.ts';
import { amountOn, guessedSendTime, minus, NOTHING, plus, recount, type SpentAt, spendAll } from './hold.ts';
import { type Joined, joined, type Membership } from './join.ts';
import { endedRecords, withoutLease } from './lease.ts';
import { earliestFit } from './meter.ts';
import type { Change, Demand, Facts, GroupState, KeyConfig, KeyState, Lease, Meter, PoolState } from './model.ts';
import { observeAll } from './observe.ts';
import { type RetryAdvice, retryAdvice } from './retry.ts';
import { freshKey, metersOf } from './room.ts';
import type { HeaderReading, IgnoredHeader, Judgement, Millis, Observation } from './upstream.ts';

/** A report, its headers read and judged by the provider's rules. */
export interface Report {
  readonly reading: HeaderReading;
  readonly judgement: Judgement;
  readonly status: number;
  /** Tokens that count against the limits; null: the caller did not say. */
  readonly used: { readonly inputTokens: number; readonly outputTokens: number } | null;
  /** By the caller's clock; null: not said. */
  readonly requestTime: Millis | null;
  readonly responseTime: Millis | null;
  readonly inProgress: boolean;
}

export interface ReportOutcome {
  /** The lease after settling; `settled` where this report ended it. */
  readonly lease: Lease;
  readonly settled: boolean;
  /** The lease goes on. */
  readonly underWay: boolean;
  readonly judgement: Judgement;
  readonly ignored: readonly IgnoredHeader[];
  readonly scope: Diagnosis['scope'];
  readonly until: Millis | null;
  readonly retry: RetryAdvice;
  /** The limit group that this report made the key join; null: none. */
  readonly joinedGroup: string | null;
}

/** Records as they become while a report is worked in. */
interface Draft extends Membership {
  readonly pool: PoolState;
}

/**
 * Learns from a report, settles the lease that it is about, and acts on the verdict. `active` is false for a lease that has ended:
 * then nothing is settled. Evidence about a secret that was rotated since teaches nothing.
 */
export function report(
  facts: Facts,
  lease: Lease,
  active: boolean,
  told: Report,
  random: () => number,
): { outcome: ReportOutcome; change: Change } {
  const config = facts.pool.keys.find(({ id }) => id === lease.keyId) ?? formerKey(lease);
  const times = timesOf(told, lease, facts.now);
  const after = active ? afterReport(lease, told, times) : lease;
  const over = active && after.requestsReported >= after.requests;
  const key = facts.key(lease.keyId) ?? freshKey(config);
  const current = key.secretVersion === lease.secretVersion;
  let draft = draftOf(facts, key, lease, after, over, active);
  const join = current ? joined(facts, config, draft, told.reading.account) : null;
  if (join !== null) draft = { ...draft, ...join.now };
  if (current) draft = learn(facts, config, draft, lease, told, times);
  if (active) draft = settle(facts, config, draft, lease, told, times);
  const diagnosis = current ? diagnoseDraft(facts, draft, lease, told, times, random) : ignored(draft);
  draft = { ...draft, ...diagnosis.patient };
  if (current && !told.inProgress)
    draft = { ...draft, key: adapted(draft.key, concurrencyEvidence(facts, draft, lease, told, times), facts.now) };
  const outcome: ReportOutcome = {
    lease: after,
    settled: over,
    underWay: active && !over,
    judgement: told.judgement,
    ignored: told.reading.ignored,
    scope: diagnosis.scope,
    until: diagnosis.until,
    retry: retryAdvice(told.judgement, diagnosis.until, facts.now),
    joinedGroup: join?.now.group.id ?? null,
  };
  return { outcome, change: changeOf(facts, draft, join, lease, active && over) };
}

/** A key that has left the configuration: its leases are settled, and its limit group goes on learning from them. */
function formerKey({ keyId, group }: Lease): KeyConfig {
  return { id: keyId, order: -1, fingerprint: '', limitGroup: group, weight: 1, priority: 0, leasesMax: 0, limits: [] };
}

/**
 * The caller's times on the store's clock: never after now, never before the grant, and as far apart as they were. A request that was
 * sent after its response is not believed.
 */
export function timesOf(told: Pick<Report, 'requestTime' | 'responseTime'>, lease: Lease, now: Millis) {
  const end = told.responseTime ?? now;
  const shift = Math.min(0, now - end);
  const request = told.requestTime === null || told.requestTime > end ? null : told.requestTime + shift;
  const response = end + shift;
  const lag = request === null ? 0 : Math.max(0, lease.acquireTime - request);
  const responseTime = Math.min(now, Math.max(response + lag, lease.acquireTime));
  return {
    responseTime,
    /** As early as it may have been: decides what the observation contains. */
    observedRequestTime: Math.min(request === null ? lease.acquireTime : request + lag, responseTime),
    /** As late as it may have been: decides which observations contain it. */
    sentTime: Math.min(request === null ? (guessedSendTime(1, lease.acquireTime) as number) : request + lag, responseTime),
    told: request !== null,
  };
}

type Times = ReturnType<typeof timesOf>;

function afterReport(lease: Lease, told: Report, times: Times): Lease {
  if (told.inProgress) return lease.requests === 1 ? { ...lease, sentTime: times.sentTime, answerTime: times.responseTime } : lease;
  return { ...lease, requestsReported: lease.requestsReported + 1, held: minus(lease.held, shareOf(lease)) };
}

/** What one of the requests still to be reported holds, in whole tokens. */
function shareOf(lease: Lease): Demand {
  const left = Math.max(1, lease.requests - lease.requestsReported);
  return { requests: 1, inputTokens: Math.ceil(lease.held.inputTokens / left), outputTokens: Math.ceil(lease.held.outputTokens / left) };
}

function draftOf(facts: Facts, key: KeyState, lease: Lease, after: Lease, over: boolean, active: boolean): Draft {
  const group = facts.group(key.group) ?? { id: key.group, version: 0, blocks: {}, meters: {} };
  const remaining = over ? withoutLease(key, lease) : key;
  return {
    key: { ...remaining, lastReportTime: facts.now },
    group: over ? { ...group, blocks: unprobed(group.blocks, lease.id) } : group,
    pool: facts.state,
    lease: active && !over ? after : null,
    others: [...facts.leasesOfGroup(group.id)].filter(({ id }) => id !== lease.id),
  };
}

/** What the call used takes the place of what it held. */
function settle(facts: Facts, config: KeyConfig, draft: Draft, lease: Lease, told: Report, times: Times): Draft {
  if (told.inProgress) return draft;
  const used = usedBy(facts, lease, told);
  const at: SpentAt = { ...times, endTime: facts.now };
  const meters = spendAll(metersOf(draft.group, config, lease.modelClass), used, at, facts.pool.provider.counting);
  const pool =
    told.used !== null && told.judgement.verdict === 'ok'
      ? learnUsage(draft.pool, lease.modelClass, told.used, shareOf(lease))
      : draft.pool;
  return { ...draft, pool, group: withMeters(draft.group, lease, recounted(facts, draft, lease, meters)) };
}

/** Without a word on usage the estimate stands, except for the tokens of a call that was refused where the provider does not count them. */
function usedBy(facts: Facts, lease: Lease, told: Report): Demand {
  if (told.used !== null) return plus({ ...NOTHING, requests: 1 }, { requests: 0, ...told.used });
  const refused = told.status >= 400 && told.status < 500;
  return refused && !facts.pool.provider.failedTokensCount ? { ...NOTHING, requests: 1 } : shareOf(lease);
}

/** The observations become the new ground of the meters, and reservations that they contain are no longer held. */
function learn(facts: Facts, config: KeyConfig, draft: Draft, lease: Lease, told: Report, times: Times): Draft {
  const at = { requestTime: times.observedRequestTime, responseTime: times.responseTime };
  const known = metersOf(draft.group, config, lease.modelClass);
  const atOf = ({ dimension }: Observation) =>
    facts.pool.provider.counting[dimension] === 'at_start' ? { ...at, sentTime: times.sentTime } : at;
  const meters = told.reading.observations.reduce<readonly Meter[]>((each, seen) => observeAll(each, seen, atOf(seen)), known);
  return meters.length === 0 ? draft : { ...draft, group: withMeters(draft.group, lease, recounted(facts, draft, lease, meters)) };
}

function recounted(facts: Facts, draft: Draft, lease: Lease, meters: readonly Meter[]): readonly Meter[] {
  const ofClass = draft.others.filter(({ modelClass }) => modelClass === lease.modelClass);
  return recount(meters, draft.lease === null ? ofClass : [...ofClass, draft.lease], facts.pool.provider.counting);
}

function withMeters(group: GroupState, lease: Lease, meters: readonly Meter[]): GroupState {
  return { ...group, meters: { ...group.meters, [lease.modelClass]: meters } };
}

function diagnoseDraft(facts: Facts, draft: Draft, lease: Lease, told: Report, times: Times, random: () => number): Diagnosis {
  const { verdict } = told.judgement;
  return diagnose(
    draft,
    {
      judgement: told.judgement,
      modelClass: lease.modelClass,
      holder: lease.holder,
      time: sendTime(times),
      message: told.status === 0 ? 'no response arrived' : `the provider answered ${told.status}`,
      roomTime: verdict === 'rate_limited' ? emptiedRoomTime(draft.group.meters[lease.modelClass] ?? [], shareOf(lease), facts.now) : null,
    },
    facts.pool.unhealthyAfter,
    facts.now,
    random,
  );
}

/** When the limits that are used up have room for such a request again; null: none is known to be used up. */
function emptiedRoomTime(meters: readonly Meter[], demand: Demand, now: Millis): Millis | null {
  const times = meters.map((meter) =>
    earliestFit({ ...meter, reserved: 0 }, Math.min(meter.limit, Math.max(1, amountOn(meter.dimension, demand))), now, []),
  );
  const latest = times.reduce<number>((a, b) => Math.max(a, b ?? now), now);
  return latest > now ? latest : null;
}

function concurrencyEvidence(facts: Facts, draft: Draft, lease: Lease, told: Report, times: Times): ConcurrencyEvidence {
  const { modelClass, keyId } = lease;
  const underWay = () => leasesUnderWay(facts, keyId, modelClass).length;
  const isTold = (draft.group.meters[modelClass] ?? []).length > 0;
  return { verdict: told.judgement.verdict, modelClass, time: sendTime(times), isTold, underWay };
}

/** As early as it may have been where the caller did not say. */
function sendTime(times: Times): Millis {
  return times.told ? times.sentTime : times.observedRequestTime;
}

function ignored(draft: Draft): Diagnosis {
  return { patient: draft, scope: 'request', until: null };
}

function changeOf(facts: Facts, draft: Draft, join: Joined | null, lease: Lease, ended: boolean): Change {
  return {
    pool: facts.pool.id,
    ...(draft.pool === facts.state ? {} : { state: draft.pool }),
    keys: [draft.key],
    groups: [draft.group, ...(join?.left ? [join.left] : [])],
    leases: [...(join?.moved ?? []), ...(draft.lease === null ? [] : [draft.lease])],
    ...(ended ? { ended: [lease.id], ...endedRecords(facts, { ...lease, requestsReported: lease.requests }, 'settled') } : {}),
  };
}
