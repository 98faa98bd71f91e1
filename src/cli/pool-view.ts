import type { PoolStatus } from '../generated/keylease/v1/pool_admin_service.ts';
import { relative } from './words.ts';

/** In a word, where a pool learns which grants its store has forgotten; the empty string where it does not. */
export function learning({ grantsFromTime }: PoolStatus, now: number): string {
  return grantsFromTime === undefined ? '' : `learning, grants ${relative(grantsFromTime, now)}`;
}
