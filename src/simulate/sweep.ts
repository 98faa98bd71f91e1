import { type Call, type Scenario, withKeys } from './scenario.ts';
import { type Result, simulate } from './simulate.ts';

/** A pool has enough keys when fewer than this share of the calls is refused. */
export const REFUSED_MAX = 0.001;

/** Plays a scenario with more and more keys, each in an organization of its own, up to the first number that is enough. */
export function sweep(
  scenario: Scenario,
  calls: readonly Call[],
  strategy: string,
  { from, to }: { readonly from: number; readonly to: number },
  onProgress: (keys: number, share: number) => void,
): { readonly results: readonly Result[]; readonly enough: number | null } {
  const results: Result[] = [];
  for (let keys = from; keys <= to; keys += 1) {
    const { result } = simulate(withKeys(scenario, keys), calls, strategy, { onProgress: (share) => onProgress(keys, share) });
    results.push(result);
    if (result.refused < REFUSED_MAX && result.failed < REFUSED_MAX) return { results, enough: keys };
  }
  return { results, enough: null };
}
