import type { Verb } from '../auth/policy.ts';
import { type Entry, forbidden, type Gate } from './gate.ts';
import type { AcquireAnswer, AcquireCall, Caller, LeaseApi } from './leases.ts';
import { type Answer, refused } from './problem.ts';

/** The calls of programs behind the gate: what a holder may not do is refused before anything is looked up, and costs no write. */
export function guarded(inner: LeaseApi, gate: Gate): LeaseApi {
  const onLease = <T>(holder: string, verb: Verb, leaseId: string, run: () => Promise<Answer<T>>): Promise<Answer<T>> =>
    gate.isOpen ? run() : gate.through(gate.enterLease(holder, verb, leaseId), run);

  return {
    acquire: (holder, call, caller) => {
      if (gate.isOpen) return inner.acquire(holder, call, caller);
      return gate.through(gate.enterPool(holder, 'acquire', call.pool), (entry) => acquireWithin(inner, gate, entry, holder, call, caller));
    },
    report: (holder, call) => onLease(holder, 'report', call.leaseId, () => inner.report(holder, call)),
    markUnhealthy: (holder, call) => {
      const { target } = call;
      if ('leaseId' in target) return onLease(holder, 'mark', target.leaseId, () => inner.markUnhealthy(holder, call));
      if (gate.isOpen) return inner.markUnhealthy(holder, call);
      return gate.through(gate.enterPool(holder, 'admin', target.pool), ({ pool }) =>
        inner.markUnhealthy(holder, { ...call, target: { ...target, pool } }),
      );
    },
    renew: (holder, leaseId, ttlMs) => onLease(holder, 'acquire', leaseId, () => inner.renew(holder, leaseId, ttlMs)),
    release: (holder, leaseId) => onLease(holder, 'acquire', leaseId, () => inner.release(holder, leaseId)),
  };
}

async function acquireWithin(
  inner: LeaseApi,
  gate: Gate,
  { pool, grant: { caps } }: Entry,
  holder: string,
  call: AcquireCall,
  caller: Caller | undefined,
): Promise<Answer<AcquireAnswer>> {
  const { priorityMax } = caps;
  // Not capped in silence: whoever asks for a place that it cannot have should hear of it.
  if (priorityMax !== null && call.priority > priorityMax)
    return refused({ kind: 'forbidden', what: { priority: call.priority, priorityMax } }, gate.now());
  const patience = caller === undefined ? undefined : { ...caller, holderWaitersMax: caps.waitersMax };
  const begin = gate.now();
  const answer = await inner.acquire(holder, { ...call, pool, holderLeasesMax: caps.leasesMax }, patience);
  if (!answer.ok) return answer;
  // It may have waited long: no key goes to whoever may not have it any more.
  const isKnown = (await caller?.isStillKnown?.()) !== false;
  if (isKnown && gate.may(holder, 'acquire', pool)) return answer;
  const { lease } = answer.value;
  // An older lease is that of a repeated request: its key is out already, and what it holds may be in use.
  if (lease.acquireTime >= begin) await inner.release(holder, lease.id);
  return refused(
    isKnown ? forbidden('acquire', pool) : { kind: 'unauthenticated', why: 'the credentials have ended meanwhile' },
    answer.now,
  );
}
