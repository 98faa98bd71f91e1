import type { Candidate, Strategy, Turn } from '../model.ts';

/**
 * Smooth weighted round robin: every key earns its weight, the richest is chosen and pays what all earned. Weights 5, 1, 1 give
 * a a b a c a a, not a a a a a b c.
 */
export const weighted: Strategy = {
  name: 'weighted',
  pick(candidates, turn) {
    const earned = candidates.map((candidate) => ({ candidate, credit: creditOf(candidate, turn) + candidate.key.weight }));
    const richest = earned.reduce((champion, challenger) => (challenger.credit > champion.credit ? challenger : champion));
    const total = candidates.reduce((sum, { key }) => sum + key.weight, 0);
    const weights: Record<string, number> = {};
    for (const { candidate, credit } of earned) weights[candidate.key.id] = candidate === richest.candidate ? credit - total : credit;
    return { chosen: richest.candidate, turn: { ...turn, weights } };
  },
};

function creditOf({ key }: Candidate, { weights }: Turn): number {
  return Object.hasOwn(weights, key.id) ? (weights[key.id] ?? 0) : 0;
}
