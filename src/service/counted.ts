import type { Lease } from '../pool/model.ts';
import { StoreLost } from '../store/store.ts';
import type { Counts } from './counts.ts';
import { type AcquireAnswer, type LeaseApi, type LeasesOptions, leaseApi, type ReportAnswer } from './leases.ts';
import type { Answer } from './problem.ts';
import type { ReportCall } from './read-report.ts';

/** Around the calls of programs: each acquire and report is counted once it is answered. */
export function counted(inner: LeaseApi, counts: Counts, { store, pools }: Pick<LeasesOptions, 'store' | 'pools'>): LeaseApi {
  return {
    ...leaseApi(inner),
    async acquire(holder, call, caller) {
      const time = store.now();
      const pool = pools.named(call.pool);
      if (pool === undefined) {
        // A name that a caller made up must not become a series.
        counts.poolless += 1;
        return inner.acquire(holder, call, caller);
      }
      const ofPool = counts.of(pool.id);
      try {
        const answer = await inner.acquire(holder, call, caller);
        ofPool.acquired(outcomeOf(answer, time));
        if (call.maxWaitMs !== null && call.maxWaitMs > 0) ofPool.waits.record((answer.now - time) / 1_000);
        return answer;
      } catch (fault) {
        ofPool.acquired(fault instanceof StoreLost ? 'unavailable' : 'fault');
        throw fault;
      }
    },
    async report(holder, call) {
      const answer = await inner.report(holder, call);
      if (answer.ok) countReport(counts, call, answer.value, answer.now);
      return answer;
    },
  };
}

/** A lease that was granted before the caller asked is that of an earlier call with the same request id. */
function outcomeOf(answer: Answer<AcquireAnswer>, askedTime: number) {
  if (!answer.ok) return answer.problem.kind;
  return answer.value.lease.acquireTime < askedTime ? 'repeated' : 'granted';
}

function countReport(counts: Counts, call: ReportCall, { lease, outcome }: ReportAnswer, now: number): void {
  const { verdict } = outcome.judgement;
  const ofPool = counts.of(lease.pool);
  ofPool.judged(verdict);
  if (call.responseTime !== null) ofPool.lags.record(Math.max(0, now - call.responseTime) / 1_000);
  if (verdict !== 'ok') counts.noteBad({ time: now, pool: lease.pool, keyId: lease.keyId, verdict, status: call.status });
}

/** Counts a lease that came to its end although not all of its requests were reported. */
export function countExpired(counts: Counts, lease: Lease): void {
  counts.of(lease.pool).expiredUnreported += 1;
}
