import type { Concurrency, Facts, KeyState, Lease } from './model.ts';
import type { Millis, ModelClass, Verdict } from './upstream.ts';

/** A limit that nobody tells is taken to be at least this. */
const LEAST = 1;

/** A refusal cuts to this share. Half, as is usual, leaves a fifth of the allowance unused. */
const CUT = 0.8;

/** As many times as may be under way must succeed for one more. */
const ROUNDS = 4;

/** How many leases of a class are under way on a key. */
export function leasesUnderWay(facts: Facts, keyId: string, modelClass: ModelClass): readonly Lease[] {
  return [...facts.leasesOfKey(keyId)].filter((lease) => lease.modelClass === modelClass);
}

/** How many leases of a class a key may have under way, as learnt from refusals; infinite: nothing was refused yet. */
export function concurrencyOf(key: KeyState, modelClass: ModelClass): number {
  const known = key.concurrency[modelClass];
  return known === undefined ? Number.POSITIVE_INFINITY : Math.max(LEAST, Math.floor(known.limit));
}

/** What is needed to learn from one report. */
export interface ConcurrencyEvidence {
  readonly verdict: Verdict;
  readonly modelClass: ModelClass;
  /** When the request was sent. */
  readonly time: Millis;
  /** Whether any limit of the class is told or configured: then there is nothing to guess. */
  readonly isTold: boolean;
  /** Counts the leases of the class under way on the key, the reported one among them. */
  readonly underWay: () => number;
}

/**
 * Additive increase, multiplicative decrease: a rate-limit verdict cuts what was under way, once for all requests that were sent before
 * it; successes of a busy key add one for every few rounds of them. The same key where nothing changes.
 */
export function adapted(key: KeyState, evidence: ConcurrencyEvidence, now: Millis): KeyState {
  const { modelClass, verdict } = evidence;
  const known = key.concurrency[modelClass];
  if (evidence.isTold) return known === undefined ? key : { ...key, concurrency: without(key.concurrency, modelClass) };
  if (verdict === 'rate_limited' && (known === undefined || evidence.time >= known.cutTime)) {
    const limit = Math.max(LEAST, Math.min(known?.limit ?? Number.POSITIVE_INFINITY, evidence.underWay()) * CUT);
    return { ...key, concurrency: { ...key.concurrency, [modelClass]: { limit, cutTime: now } } };
  }
  if (verdict !== 'ok' || known === undefined || evidence.underWay() < Math.floor(known.limit)) return key;
  return { ...key, concurrency: { ...key.concurrency, [modelClass]: { ...known, limit: known.limit + 1 / (ROUNDS * known.limit) } } };
}

function without(concurrency: KeyState['concurrency'], modelClass: ModelClass): Readonly<Record<ModelClass, Concurrency>> {
  return Object.fromEntries(Object.entries(concurrency).filter(([each]) => each !== modelClass));
}
