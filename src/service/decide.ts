import type { Change, Facts, PoolConfig } from '../pool/model.ts';
import type { Store } from '../store/store.ts';
import type { Expiry } from './expiry.ts';

/**
 * Decisions taken again because others changed the same records meanwhile. More than this is a store that cannot keep up: with two of
 * three changes moving on, as where three replicas contend for one record, one decision in 10^11 comes to so many.
 */
const ATTEMPTS_MAX = 64;

/** Others changed the same records again and again. */
export class Contended extends Error {
  override readonly name = 'Contended';
}

/** A pure decision: what to answer, and what it changes. */
export type Decision<T> = (facts: Facts) => { outcome: T; change: Change };

/** What every decision is taken with. */
export interface Deciding {
  readonly store: Store;
  readonly expiry: Expiry;
}

/**
 * Reads, decides, applies; and decides again where the records moved on. Leases that are due are ended first, so that no decision
 * rests on a lease that is over. The answer is there once the change is as durable as the store makes it.
 */
export async function decide<T>(with_: Deciding, pool: PoolConfig, decision: Decision<T>): Promise<{ outcome: T; facts: Facts }> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    let facts = with_.store.read(pool);
    while (with_.expiry.isDue(facts.now)) {
      await with_.expiry.run();
      facts = with_.store.read(pool);
    }
    const { outcome, change } = decision(facts);
    if ((await with_.store.apply(change)) === 'applied') return { outcome, facts };
  }
  throw new Contended(`the records of pool ${pool.id} moved on ${ATTEMPTS_MAX} times`);
}
