import { blocksOn, phaseOf } from './block.ts';
import type { Facts } from './model.ts';
import { type Ask, exceededLimit, type KnownKey, type PassedOver, passedOver, roomTime } from './room.ts';
import type { Dimension, Millis } from './upstream.ts';

/** No key has room, or waiting cannot help. An answer, not a fault. */
export type Refusal =
  | { readonly kind: 'exhausted'; readonly retryTime: Millis | null; readonly counts: RefusalCounts }
  | { readonly kind: 'demand_exceeds_limit'; readonly exceeded: readonly ExceededLimit[]; readonly counts: RefusalCounts }
  | { readonly kind: 'no_healthy_keys'; readonly counts: RefusalCounts };

/** How many keys of the pool there are, and how many are passed over why. */
export interface RefusalCounts {
  readonly keys: number;
  readonly cooldown: number;
  readonly unhealthy: number;
  readonly draining: number;
  readonly excluded: number;
  readonly noRoom: number;
}

interface ExceededLimit {
  readonly keyId: string;
  readonly dimension: Dimension;
  readonly limit: number;
  readonly demand: number;
}

/** Why no key can be leased, and when one can; every key is known to be passed over. */
export function refusalOf(facts: Facts, keys: readonly KnownKey[], ask: Ask): Refusal {
  const reasons = keys.map((key) => passedOver(facts, key, ask));
  const counts = countsOf(reasons);
  const exceeded = keys.map((key) => ({ key, over: exceededLimit(key, ask) }));
  if (exceeded.every(({ over }) => over !== undefined)) {
    return {
      kind: 'demand_exceeds_limit',
      counts,
      exceeded: exceeded.map(({ key, over }) => ({
        keyId: key.config.id,
        dimension: over!.meter.dimension,
        limit: over!.meter.limit,
        demand: over!.amount,
      })),
    };
  }
  if (keys.every((key) => isOut(facts, key, ask))) return { kind: 'no_healthy_keys', counts };
  return { kind: 'exhausted', retryTime: earliest(keys.map((key) => roomTime(facts, key, ask))), counts };
}

/** Whether a key is unhealthy or draining, whatever else may be said of it. */
function isOut(facts: Facts, key: KnownKey, ask: Ask): boolean {
  if (key.state.draining) return true;
  const blocks = blocksOn(key.state, key.group, facts.state, ask.modelClass);
  return blocks.some((block) => block.kind === 'unhealthy' && phaseOf(block, facts.now) === 'blocked');
}

function earliest(times: readonly (Millis | null)[]): Millis | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : known.reduce((a, b) => Math.min(a, b));
}

function countsOf(reasons: readonly (PassedOver | null)[]): RefusalCounts {
  const count = (...these: readonly PassedOver[]) => reasons.filter((reason) => reason !== null && these.includes(reason)).length;
  return {
    keys: reasons.length,
    cooldown: count('cooldown'),
    unhealthy: count('unhealthy'),
    draining: count('draining'),
    excluded: count('excluded'),
    noRoom: count('no_room', 'max_leases', 'probation', 'demand_exceeds_limit'),
  };
}
