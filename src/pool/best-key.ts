import { KeyCandidate } from './candidate.ts';
import type { Candidate, Facts, KeyConfig } from './model.ts';
import { type Ask, type KnownKey, knownKey, passedOver } from './room.ts';
import { beats } from './strategy/best.ts';

type IsHome = NonNullable<Facts['isHome']>;

/**
 * The key that a strategy chooses which is nothing but a value, among all that have room; undefined: none has. Those at home come first
 * where any of the highest tier is, for others would change the same records.
 */
export function bestKey(facts: Facts, ask: Ask, value: (candidate: Candidate) => number): KnownKey | undefined {
  const { isHome } = facts;
  if (isHome === undefined) return best(facts, ask, value);
  // Nothing can go before these, so that no other key needs a look.
  const top = facts.pool.keys.reduce((highest, { priority }) => Math.max(highest, priority), Number.NEGATIVE_INFINITY);
  const first = best(facts, ask, value, { tier: top, isHome }) ?? best(facts, ask, value);
  if (first === undefined || first.config.priority === top) return first;
  return best(facts, ask, value, { tier: first.config.priority, isHome }) ?? first;
}

/** Of several keys the best with room. Whether a key has room is asked only where it would be the best so far, which is seldom. */
function best(
  facts: Facts,
  ask: Ask,
  value: (candidate: Candidate) => number,
  home?: { readonly tier: number; readonly isHome: IsHome },
): KnownKey | undefined {
  let champion: KeyCandidate | undefined;
  for (const config of facts.pool.keys) {
    if (champion !== undefined && config.priority < champion.key.priority) continue;
    const known = knownKey(facts, config);
    if (home !== undefined && !isAt(home, config, known)) continue;
    const challenger = new KeyCandidate(known, ask.modelClass, facts.now);
    const isBetter = champion === undefined || config.priority > champion.key.priority || beats(challenger, champion, value);
    if (isBetter && passedOver(facts, known, ask) === null) champion = challenger;
  }
  return champion?.known;
}

function isAt({ tier, isHome }: { readonly tier: number; readonly isHome: IsHome }, config: KeyConfig, { state }: KnownKey): boolean {
  return config.priority === tier && isHome(state.group);
}
