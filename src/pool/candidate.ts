import type { Candidate, KeyConfig, Meter } from './model.ts';
import { type KnownKey, metersOf } from './room.ts';
import { capacityScore, headroom } from './score.ts';
import type { Millis, ModelClass } from './upstream.ts';

/** A key with room as strategies see it. Plain fields, for it is made for every key at every choice. */
export class KeyCandidate implements Candidate {
  readonly known: KnownKey;
  readonly key: KeyConfig;
  readonly score: number;
  readonly activeLeases: number;
  readonly lastGrant: number;
  readonly meters: readonly Meter[];
  readonly now: Millis;

  constructor(known: KnownKey, modelClass: ModelClass, now: Millis) {
    this.known = known;
    this.key = known.config;
    this.activeLeases = known.state.activeLeases;
    this.lastGrant = known.state.lastGrant;
    this.meters = metersOf(known.group, known.config, modelClass);
    this.now = now;
    this.score = capacityScore(this.meters, now);
  }

  /** Worked out only for the one strategy that asks. */
  get headroom(): number {
    return headroom(this.meters, this.now);
  }
}
