import { type AcquireRequest, acquire, askOf } from './acquire.ts';
import type { Demand, Facts, KeyConfig, Meter } from './model.ts';
import type { Refusal } from './refusal.ts';
import { bindingMeter, knownKey, metersOf, type PassedOver, passedOver, roomTime } from './room.ts';
import { capacityScore } from './score.ts';
import { type BlockView, blockViews } from './status.ts';
import type { Millis } from './upstream.ts';

/** What an acquire would make of one key. */
export interface KeyExplanation {
  readonly config: KeyConfig;
  readonly score: number;
  /** null: it has room. */
  readonly passedOver: PassedOver | null;
  readonly binding: Meter | undefined;
  /** When it would have room; null: now, or no moment is known. */
  readonly roomTime: Millis | null;
  /** What is in its way for this model class. */
  readonly blocks: readonly BlockView[];
}

export interface Explanation {
  readonly keys: readonly KeyExplanation[];
  readonly chosenKeyId: string | null;
  readonly refusal: Refusal | null;
  readonly wanted: Demand;
}

/** What an acquire would answer now, and why, key by key. */
export function explain(facts: Facts, request: AcquireRequest, random: () => number): Explanation {
  const ask = askOf(facts, request);
  const { outcome } = acquire(facts, { ...request, requestId: '' }, { random, mintLeaseId: () => '' });
  const keys = facts.pool.keys.map((config) => {
    const key = knownKey(facts, config);
    const reason = passedOver(facts, key, ask);
    return {
      config,
      score: capacityScore(metersOf(key.group, config, request.modelClass), facts.now),
      passedOver: reason,
      binding: bindingMeter(facts, key, ask),
      roomTime: reason === null ? null : roomTime(facts, key, ask),
      blocks: blockViews(facts, key).filter(({ modelClass }) => modelClass === '' || modelClass === request.modelClass),
    };
  });
  switch (outcome.kind) {
    case 'granted':
      return { keys, chosenKeyId: outcome.lease.keyId, refusal: null, wanted: ask.wanted };
    case 'exhausted':
    case 'demand_exceeds_limit':
    case 'no_healthy_keys':
      return { keys, chosenKeyId: null, refusal: outcome, wanted: ask.wanted };
    default:
      throw new Error(`an acquire without a request id was answered with ${outcome.kind}`);
  }
}
