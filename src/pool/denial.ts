import type { Facts, KeyConfig, WantedDemand } from './model.ts';
import type { Refusal } from './refusal.ts';
import { type Ask, knownKey, passedOver, roomTime } from './room.ts';
import type { Millis } from './upstream.ts';

/** Keys that something happened to since a refusal; with more of them it is quicker to look at all keys again. */
const LOOSENED_MAX = 256;

type Exhausted = Extract<Refusal, { kind: 'exhausted' }>;

/**
 * The last refusal of one pool for one model class. It holds for the same demand until the moment at which a key could fit, as long as
 * none of the keys that something happened to has room: so it is as exact as looking at all of them.
 */
export class Denial {
  readonly #loosened = new Set<KeyConfig>();
  #known: { readonly ask: Ask; readonly refusal: Exhausted; readonly until: Millis } | undefined;

  remember(ask: Ask, refusal: Refusal): void {
    this.#loosened.clear();
    const lasts = refusal.kind === 'exhausted' && ask.excluded.size === 0;
    this.#known = lasts ? { ask, refusal, until: refusal.retryTime ?? Number.POSITIVE_INFINITY } : undefined;
  }

  /** Something may have made room on a key. */
  loosen(key: KeyConfig): void {
    if (this.#known === undefined) return;
    this.#loosened.add(key);
    if (this.#loosened.size > LOOSENED_MAX) this.#known = undefined;
  }

  /** The refusal, where it still holds for this; undefined: look at the keys. */
  recall(facts: Facts, ask: Ask): Refusal | undefined {
    const known = this.#known;
    if (known === undefined || facts.now >= known.until || ask.excluded.size > 0 || !isSame(ask.wanted, known.ask.wanted)) return undefined;
    let until = known.until;
    for (const config of this.#loosened) {
      const key = knownKey(facts, config);
      if (passedOver(facts, key, known.ask) === null) return undefined;
      until = Math.min(until, roomTime(facts, key, known.ask) ?? Number.POSITIVE_INFINITY);
    }
    this.#loosened.clear();
    const refusal: Exhausted = { ...known.refusal, retryTime: until === Number.POSITIVE_INFINITY ? null : until };
    this.#known = { ...known, refusal, until };
    return refusal;
  }
}

function isSame(a: WantedDemand, b: WantedDemand): boolean {
  const sameGuess = a.inputGuessed === b.inputGuessed && a.outputGuessed === b.outputGuessed;
  return sameGuess && a.requests === b.requests && a.inputTokens === b.inputTokens && a.outputTokens === b.outputTokens;
}
