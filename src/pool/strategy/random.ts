import type { Strategy } from '../model.ts';

/** Any key with room, all equally likely. */
export const random: Strategy = {
  name: 'random',
  pick: (candidates, turn, draw) => ({ chosen: candidates[Math.floor(draw() * candidates.length)] as (typeof candidates)[number], turn }),
};
