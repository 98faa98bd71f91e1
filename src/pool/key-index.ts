import { BoundTree } from './bound-tree.ts';
import { KeyCandidate } from './candidate.ts';
import { Denial } from './denial.ts';
import type { Candidate, Facts, KeyConfig, Meter, PoolConfig } from './model.ts';
import { Parked } from './parked.ts';
import type { Refusal } from './refusal.ts';
import { type Ask, type KnownKey, knownKey, metersOf, passedOver, roomTime } from './room.ts';
import type { Millis } from './upstream.ts';

/** The best key that an index finds is at least this good, compared with the best there is. */
const GOOD_ENOUGH = 0.99;

/** The shortest window that bounds how fast a value can grow; keys with a shorter one are looked at each time. */
const WINDOW_MS = 60_000;

const NONE: ReadonlySet<string> = new Set();

/** What a key must have room for, not to be set aside: one request that asks for nothing else. */
const LEAST: Ask['wanted'] = {
  ...{ requests: 1, inputTokens: 0, outputTokens: 0, leastInputTokens: 0, leastOutputTokens: 0 },
  ...{ inputGuessed: false, outputGuessed: false },
};

interface Found {
  readonly key: KnownKey;
  readonly value: number;
}

/**
 * Finds a key of one pool for one model class without looking at all of them, where a strategy is nothing but a value between 0 and 1.
 * It keeps a bound above each key's value. A value only grows by refill, at most from 0 to 1 in a window, so a bound is a line in time
 * and the order of bounds does not change while nothing happens; grants only lower values. What may raise one must be told: `loosen`.
 */
export class KeyIndex {
  readonly pool: PoolConfig;
  readonly #value: (candidate: Candidate) => number;
  readonly #tiers: readonly Tier[];
  readonly #places = new Map<string, { readonly tier: Tier; readonly place: number; readonly config: KeyConfig }>();
  readonly #denial = new Denial();

  constructor(pool: PoolConfig, value: (candidate: Candidate) => number, now: Millis) {
    this.pool = pool;
    this.#value = value;
    const priorities = [...new Set(pool.keys.map(({ priority }) => priority))].sort((a, b) => b - a);
    this.#tiers = priorities.map(
      (priority) =>
        new Tier(
          pool.keys.filter((key) => key.priority === priority),
          now,
        ),
    );
    for (const tier of this.#tiers) for (const [place, key] of tier.keys.entries()) this.#places.set(key.id, { tier, place, config: key });
  }

  /** Something may have raised the value of a key, or made room on it. */
  loosen(keyId: string): void {
    const found = this.#places.get(keyId);
    if (found === undefined) return;
    found.tier.loosen(found.place);
    this.#denial.loosen(found.config);
  }

  /** The last refusal, where it is still right for this; undefined: look for a key. */
  refusal(facts: Facts, ask: Ask): Refusal | undefined {
    return this.#denial.recall(facts, ask);
  }

  /** All keys were looked at, and this is the answer. */
  remember(ask: Ask, refusal: Refusal): void {
    this.#denial.remember(ask, refusal);
  }

  /** A key with room of the highest tier that has one, its value within a hundredth of the best; undefined: none has room. */
  find(facts: Facts, ask: Ask): KnownKey | undefined {
    for (const tier of this.#tiers) {
      const found = tier.find(facts, ask, this.#value);
      if (found !== undefined) return found.key;
    }
    return undefined;
  }
}

class Tier {
  readonly keys: PoolConfig['keys'];
  readonly #epoch: Millis;
  readonly #bounds: BoundTree;
  readonly #parked = new Parked();

  constructor(keys: PoolConfig['keys'], now: Millis) {
    this.keys = keys;
    this.#epoch = now;
    this.#bounds = new BoundTree(keys.length, 1);
  }

  /** The bound is above whatever value there can be, so that the key is looked at next. */
  loosen(place: number): void {
    this.#parked.release(place);
    this.#bounds.set(place, Number.POSITIVE_INFINITY);
  }

  find(facts: Facts, ask: Ask, worth: (candidate: Candidate) => number): Found | undefined {
    for (const place of this.#parked.due(facts.now)) this.loosen(place);
    const looked: { place: number; bound: number }[] = [];
    let best: Found | undefined;
    for (;;) {
      const place = this.#bounds.top;
      const bound = Math.min(1, this.#bounds.at(place) + (facts.now - this.#epoch) / WINDOW_MS);
      if (bound === Number.NEGATIVE_INFINITY || (best !== undefined && best.value >= bound * GOOD_ENOUGH)) break;
      this.#bounds.set(place, Number.NEGATIVE_INFINITY);
      const key = knownKey(facts, this.keys[place] as KeyConfig);
      const value = worth(new KeyCandidate(key, ask.modelClass, facts.now));
      if (passedOver(facts, key, ask) === null) {
        if (best === undefined || value > best.value) best = { key, value };
      } else {
        const time = roomTime(facts, key, { ...ask, wanted: LEAST, excluded: NONE });
        if (time === null || time > facts.now) {
          this.#parked.park(place, time);
          continue;
        }
      }
      looked.push({ place, bound: this.#boundOf(key, ask, value, facts.now) });
    }
    for (const { place, bound } of looked) this.#bounds.set(place, bound);
    return best;
  }

  /** The line above the value, as its height at the epoch. A limit that comes back faster than the line knows no bound but 1. */
  #boundOf(key: KnownKey, ask: Ask, value: number, now: Millis): number {
    const isSlow = metersOf(key.group, key.config, ask.modelClass).every((meter) => growthPerMs(meter, now) * WINDOW_MS <= 1);
    return (isSlow ? value : 1) - (now - this.#epoch) / WINDOW_MS;
  }
}

/** How much of a limit can come back in a millisecond from now on, at most. */
function growthPerMs(meter: Meter, now: Millis): number {
  if (meter.refill === 'fixed') return Number.POSITIVE_INFINITY;
  const told = meter.resetTime !== null && meter.resetTime > now ? meter.refillPerMs / meter.limit : 0;
  return Math.max(told, 1 / meter.windowMs);
}
