import { randomBytes } from 'node:crypto';
import type { Change } from '../pool/model.ts';
import { type Clock, steadyClock } from './clock.ts';
import { isEmpty } from './pool-tables.ts';
import type { Store } from './store.ts';
import { Tables } from './tables.ts';

export interface MemoryStoreOptions {
  readonly clock?: Clock;
  /** Answers with as many bytes that nobody can guess. */
  readonly random?: (size: number) => Uint8Array;
}

/** A store that survives nothing and is never lost: for tests and throw-away runs. */
export function memoryStore({ clock = steadyClock(0), random = randomBytes }: MemoryStoreOptions = {}): Store {
  const tables = new Tables();
  const listeners: ((change: Change) => void)[] = [];
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change);
  };
  return {
    installationKey: random(32),
    now: clock,
    read: (pool) => tables.read(pool, clock()),
    apply(change) {
      if (isEmpty(change)) return Promise.resolve('applied');
      if (!tables.apply(change)) return Promise.resolve('moved_on');
      tables.forget(clock());
      // Not at once: a listener that decides and applies must find this call finished, as with every other store.
      if (listeners.length > 0) queueMicrotask(() => tell(change));
      return Promise.resolve('applied');
    },
    onChange: (listener) => void listeners.push(listener),
    serve: () => Promise.resolve(),
    onHealth: () => {},
    close: () => Promise.resolve(),
  };
}
