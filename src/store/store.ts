import type { Change, Facts, PoolConfig, PoolState } from '../pool/model.ts';
import type { Millis } from '../pool/upstream.ts';

/**
 * Where the records live. A store knows records and versions, never a rule.
 *
 * Its whole promise: `apply` makes all of a change true, or none of it; it answers 'applied' only once the change would
 * survive whatever this store survives (`memory`: nothing; `file`: a kill at any moment and, where the disk is honest, a loss
 * of power); and it answers 'moved_on', having changed nothing, where a record of the change is not the one that was read.
 * Reads see every change that was applied before them, durable or not: so a decision never overlooks one that was taken a
 * moment ago, and an answer that rests on a change that is not durable yet must wait for it, which `apply` does even for an
 * empty change.
 *
 * A store that cannot keep its promise throws StoreLost from then on, from every call, until it can again. What was not
 * answered by then did not happen, or happened and harms nobody: an unknown lease expires by itself.
 */
export interface Store {
  /** Makes pools ready to be read and written; a store that keeps its records elsewhere loads them, and follows them from then on. */
  serve(pools: readonly ServedPool[]): Promise<void>;
  /** The records of a pool as they stand, and the store's time. Of the configuration only the id is looked at. Valid until the next await. */
  read(pool: PoolConfig): Facts;
  apply(change: Change): Promise<Applied>;
  /** Bytes under which this installation authenticates lease ids and fingerprints; made once, kept for good. */
  readonly installationKey: Uint8Array;
  /** The store's time: monotonic, and never before that of any earlier run. */
  now(): Millis;
  /** Calls back after each change that was applied for good, by whichever process; and with records that are as they were again. */
  onChange(listener: (change: Change) => void): void;
  /** Calls back when the store is lost (with the cause) and when it is back (with null). */
  onHealth(listener: (cause: Error | null) => void): void;
  /** The pools in which nothing is granted, as the store may have forgotten grants that still count. Left out: it never does. */
  learningPools?(): readonly string[];
  close(): Promise<void>;
}

/** What a store knows of a pool beforehand. */
export type ServedPool = Pick<PoolConfig, 'id' | 'leaseTtlMaxMs'>;

export type Applied = 'applied' | 'moved_on';

/** The store cannot keep its promise at the moment. */
export class StoreLost extends Error {
  override readonly name = 'StoreLost';
}

/** What is known of a pool that was never written. */
export const FRESH_POOL: PoolState = { version: 0, blocks: {}, usage: {}, turn: { lastOrder: -1, weights: {} } };
