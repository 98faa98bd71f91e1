import type { Millis } from '../pool/upstream.ts';

/** Tells the store's time. */
export type Clock = () => Millis;

/**
 * The time of a store that has no server to ask: whole milliseconds that never step backwards.
 * The wall clock is looked at once; from then on only the monotonic one counts, so a jump of the wall clock makes no room
 * and lengthens no lease.
 */
export function steadyClock(notBefore: Millis, wall: () => number = Date.now, monotonic: () => number = () => performance.now()): Clock {
  const anchor = Math.max(Math.floor(wall()), notBefore);
  const start = monotonic();
  let newest = anchor;
  return () => {
    newest = Math.max(newest, Math.floor(anchor + monotonic() - start));
    return newest;
  };
}
