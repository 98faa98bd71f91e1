import type { Candidate, KeyConfig, Meter } from './model.ts';
import { type KnownKey, metersOf } from './room.ts';
import { capacityScore, headroom } from './score.ts';
import type { Millis, ModelClass } from './upstream.ts';

/** A key with room as strategies see it. What they do not look at is not worked out. */
export class KeyCandidate implements Candidate {
  readonly known: KnownKey;
  readonly #meters: readonly Meter[];
  readonly #now: Millis;
  #score: number | undefined;

  constructor(known: KnownKey, modelClass: ModelClass, now: Millis) {
    this.known = known;
    this.#meters = metersOf(known.group, known.config, modelClass);
    this.#now = now;
  }

  get key(): KeyConfig {
    return this.known.config;
  }

  get score(): number {
    this.#score ??= capacityScore(this.#meters, this.#now);
    return this.#score;
  }

  get headroom(): number {
    return headroom(this.#meters, this.#now);
  }

  get activeLeases(): number {
    return this.known.state.activeLeases;
  }

  get lastGrant(): number {
    return this.known.state.lastGrant;
  }
}
