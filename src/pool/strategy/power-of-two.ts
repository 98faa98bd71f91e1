import type { Strategy } from '../model.ts';
import { best } from './best.ts';

/** The better of two keys drawn by lot: nearly as good as the best of all, and several replicas do not all pick the same one. */
export const powerOfTwo: Strategy = {
  name: 'power_of_two',
  pick(candidates, turn, draw) {
    const first = Math.floor(draw() * candidates.length);
    const step = 1 + Math.floor(draw() * (candidates.length - 1));
    const pair = [candidates[first], candidates[(first + step) % candidates.length]] as (typeof candidates)[number][];
    return { chosen: best(pair, ({ score }) => score), turn };
  },
};
