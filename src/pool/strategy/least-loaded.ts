import type { Strategy } from '../model.ts';
import { best } from './best.ts';

/** The key with the highest capacity score. */
export const leastLoaded: Strategy = {
  name: 'least_loaded',
  value: ({ score }) => score,
  pick: (candidates, turn) => ({ chosen: best(candidates, ({ score }) => score), turn }),
};
