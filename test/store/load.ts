import type { Store } from '../../src/store/store.ts';
import { makePool } from './records.ts';

/** Each has a key of its own, whose failures count its grants. */
export const WORKERS = Array.from({ length: 16 }, (_, n) => `w${n}`);

/** Leases that a worker keeps. */
export const ACTIVE = 5;

/** The newest grant of each worker that a store holds. */
export function newestGrants(store: Store): Map<string, number> {
  const facts = store.read(makePool());
  return new Map(WORKERS.map((worker) => [worker, facts.key(worker)?.failures ?? 0]));
}

/** The leases that must be there, and no other, if each change is whole. */
export function wholeLeases(grants: number, worker: string): string[] {
  return Array.from({ length: Math.min(grants, ACTIVE) }, (_, n) => `${worker}-${grants - n}`).sort();
}
