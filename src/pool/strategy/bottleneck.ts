import type { Strategy } from '../model.ts';
import { best } from './best.ts';

/** The key with the most left of its scarcest limit: keeps a key with plenty of requests and few tokens out of the lead. */
export const bottleneck: Strategy = {
  name: 'bottleneck',
  value: ({ headroom }) => headroom,
  pick: (candidates, turn) => ({ chosen: best(candidates, ({ headroom }) => headroom), turn }),
};
