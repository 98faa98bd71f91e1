import type { Millis } from '../../src/pool/upstream.ts';

/** A moment in the past that is easy to recognize. */
export const START: Millis = 1_764_000_000_000;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A clock that moves only when it is told to. */
export function fakeClock(start: Millis = START) {
  let time = start;
  const now = () => time;
  return Object.assign(now, {
    advance(ms: number) {
      time += ms;
    },
    set(to: Millis) {
      time = to;
    },
  });
}
