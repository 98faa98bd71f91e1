import type { Strategy } from '../model.ts';

/** The first key with room, in the order of the configuration: the later ones stay fresh as spares. */
export const fillFirst: Strategy = {
  name: 'fill_first',
  pick: (candidates, turn) => ({ chosen: candidates[0] as (typeof candidates)[number], turn }),
};
