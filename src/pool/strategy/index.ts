import type { Candidate, Strategy, Turn } from '../model.ts';
import { favourite } from './affinity.ts';
import { bottleneck } from './bottleneck.ts';
import { fillFirst } from './fill-first.ts';
import { leastLoaded } from './least-loaded.ts';
import { powerOfTwo } from './power-of-two.ts';
import { random as atRandom } from './random.ts';
import { roundRobin } from './round-robin.ts';
import { weighted } from './weighted.ts';

const STRATEGIES: readonly Strategy[] = [leastLoaded, bottleneck, roundRobin, weighted, atRandom, powerOfTwo, fillFirst];

export const strategyNames: readonly string[] = STRATEGIES.map((strategy) => strategy.name);

/** The strategy of that name; the empty name means `least_loaded`; undefined: there is none. */
export function strategyByName(name: string): Strategy | undefined {
  return STRATEGIES.find((strategy) => strategy.name === (name === '' ? leastLoaded.name : name));
}

/** One key among those with room: of the highest tier only, the one that the affinity favours, else by the strategy. */
export function choose<C extends Candidate>(
  candidates: readonly C[],
  strategy: Strategy,
  affinity: string,
  turn: Turn,
  random: () => number,
): { chosen: C; turn: Turn } {
  const tier = candidates.reduce((highest, { key }) => Math.max(highest, key.priority), Number.NEGATIVE_INFINITY);
  const inTier = candidates.filter(({ key }) => key.priority === tier);
  if (affinity !== '') return { chosen: favourite(inTier, affinity), turn };
  return strategy.pick(inTier, turn, random);
}
