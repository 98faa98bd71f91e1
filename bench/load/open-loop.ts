import { build, type Histogram } from 'hdr-histogram-js';
import type { Connection } from './connection.ts';
import { unaryCall } from './loops.ts';
import { ACQUIRE_KEY, ACQUIRE_MESSAGE } from './messages.ts';

/** Answers that are late do not hold up the next call; a server that falls this far behind is not measured any longer. */
const UNDER_WAY_MAX = 900;

/**
 * Acquires at a steady rate, whether or not earlier ones are answered. Each is timed from the moment at which it was due, so a
 * server that stalls is charged for every call it kept waiting. Microseconds.
 */
export async function openLoop(connection: Connection, perSecond: number, durationMs: number): Promise<Histogram> {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
  const total = Math.floor((perSecond * durationMs) / 1_000);
  const begin = performance.now();
  let sent = 0;
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    const send = () => {
      const due = begin + (sent * 1_000) / perSecond;
      sent += 1;
      unaryCall(connection, ACQUIRE_KEY, ACQUIRE_MESSAGE, (answer) => {
        if (answer === null) reject(new Error('a call was refused: nothing may be, while latency is measured'));
        histogram.recordValue(Math.max(1, Math.round((performance.now() - due) * 1_000)));
        answered += 1;
        if (answered === total) resolve();
      });
    };
    // A timer would add up to a millisecond to each call, so the load generator's core looks at the clock all the time.
    const turn = () => {
      const now = performance.now();
      while (sent < total && sent - answered < UNDER_WAY_MAX && begin + (sent * 1_000) / perSecond <= now) send();
      if (sent < total) setImmediate(turn);
    };
    turn();
  });
  return histogram;
}
