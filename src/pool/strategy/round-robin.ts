import type { Strategy } from '../model.ts';

/** Each key in turn, in the order of the configuration, skipping those without room. */
export const roundRobin: Strategy = {
  name: 'round_robin',
  pick(candidates, turn) {
    const last = turn.lastOrder;
    const next = candidates.find(({ key }) => key.order > last) ?? (candidates[0] as (typeof candidates)[number]);
    return { chosen: next, turn: { ...turn, lastOrder: next.key.order } };
  },
};
