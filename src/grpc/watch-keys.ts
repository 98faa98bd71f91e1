import type { ServerWritableStream } from '@grpc/grpc-js';
import type { WatchKeysRequest, WatchKeysResponse } from '../generated/keylease/v1/pool_admin_service.ts';
import type { Problem } from '../service/problem.ts';
import type { KeyWatch } from '../service/watch.ts';
import { StreamProblem } from './handler.ts';
import { keyMessage } from './messages.ts';

/** Starts to follow the keys of a pool; undefined: there is no such pool. `wake` is called whenever there may be news. */
export type OpenWatch = (pool: string, wake: () => void) => (Pick<KeyWatch, 'next'> & { close(): void }) | undefined;

/** Whether the caller may still see them. */
export interface WatchRight {
  /** By the wall clock: when to ask again, if no news come before. */
  readonly validUntil: () => number;
  readonly objection: () => Problem | null | Promise<Problem | null>;
}

const TIMER_MAX_MS = 60_000;

/**
 * Sends news as fast as they are read: while the stream is full nothing is taken from the watch, which merges meanwhile. What is
 * thrown while news are looked up goes to `fail`, which ends the stream. Before each sending, and when the
 * credentials end, `objection` is asked.
 */
export function watchKeys(
  open: OpenWatch,
  pool: string,
  call: ServerWritableStream<WatchKeysRequest, WatchKeysResponse>,
  fail: (fault: unknown) => void,
  { validUntil, objection }: WatchRight,
): Problem | null {
  let full = false;
  let scheduled = false;
  const watch = open(pool, () => schedule());
  if (watch === undefined) return { kind: 'not_found', resource: 'pool', name: pool };
  const send = () => {
    for (let news = full ? undefined : watch.next(); news !== undefined; news = full ? undefined : watch.next()) {
      full = !call.write({ keys: news.keys.map(keyMessage), removedKeyIds: [...news.removed], snapshotComplete: news.snapshotComplete });
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const close = () => {
    clearTimeout(timer);
    watch.close();
  };
  const stop = (fault: unknown) => {
    close();
    fail(fault);
  };
  const goOn = (problem: Problem | null) => {
    scheduled = false;
    try {
      if (problem !== null) throw new StreamProblem(problem);
      send();
      lookAgain();
    } catch (fault) {
      stop(fault);
    }
  };
  const lookAgain = () => {
    clearTimeout(timer);
    const wait = validUntil() - Date.now();
    if (wait < Number.POSITIVE_INFINITY) timer = setTimeout(schedule, Math.min(TIMER_MAX_MS, Math.max(1, wait))).unref();
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      const found = objection();
      if (found instanceof Promise) found.then(goOn, stop);
      else goOn(found);
    });
  };
  call.on('drain', () => {
    full = false;
    schedule();
  });
  call.once('cancelled', close);
  call.once('close', close);
  schedule();
  return null;
}
