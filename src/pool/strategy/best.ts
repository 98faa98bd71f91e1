import type { Candidate } from '../model.ts';

/** Differences below this are noise of the arithmetic, not of the load. */
const SAME = 1e-9;

/**
 * The candidate with the highest value. Ties never herd: fewest leases under way, then the one granted longest ago.
 * Candidates are never empty.
 */
export function best<C extends Candidate>(candidates: readonly C[], value: (candidate: Candidate) => number): C {
  return candidates.reduce((champion, challenger) => (beats(challenger, champion, value) ? challenger : champion));
}

/** Whether the first is to be preferred to the second. */
export function beats(a: Candidate, b: Candidate, value: (candidate: Candidate) => number): boolean {
  const difference = value(a) - value(b);
  if (Math.abs(difference) > SAME) return difference > 0;
  if (a.activeLeases !== b.activeLeases) return a.activeLeases < b.activeLeases;
  return a.lastGrant < b.lastGrant;
}
