import { type AcquireOutcome, type AcquireRequest, acquire, refuse } from '../pool/acquire.ts';
import { acquireBeside } from '../pool/kept.ts';
import type { Change, Facts, PoolConfig } from '../pool/model.ts';
import type { ModelClass } from '../pool/upstream.ts';
import { PoolLine, type WaitingOptions } from './pool-line.ts';
import type { Problem } from './problem.ts';
import type { Patience, Waited } from './waiting-call.ts';

export type { Patience, Waited };

const STORE_LOST: Problem = { kind: 'unavailable', why: 'store_lost' };

/** The lines of all pools. */
export class Waiting {
  readonly #with: WaitingOptions;
  readonly #lines = new Map<string, PoolLine>();
  #isDraining = false;

  constructor(options: WaitingOptions) {
    this.#with = options;
    options.store.onChange((change) => this.#lines.get(change.pool)?.wake());
    options.store.onHealth((cause) => cause !== null && this.#dismiss(STORE_LOST));
  }

  size(poolId: string): number {
    return this.#lines.get(poolId)?.size ?? 0;
  }

  /** Whether a call that would rather wait than fail has to queue, because others of its class do. */
  hasLine(poolId: string, modelClass: ModelClass): boolean {
    return this.#lines.get(poolId)?.isEmpty(modelClass) === false;
  }

  /** Leases one key for a call that does not wait, and leaves alone what is kept for the head of the line. */
  acquire(facts: Facts, request: AcquireRequest): { outcome: AcquireOutcome; change: Change } {
    const { chance } = this.#with;
    const kept = this.#lines.get(facts.pool.id)?.kept(request.modelClass);
    if (kept === undefined) return acquire(facts, request, chance);
    const found = acquireBeside(facts, request, kept, chance);
    return found.outcome.kind === 'exhausted' ? refuse(facts, request) : found;
  }

  /** A call that does not wait was granted a lease. */
  overtaken(poolId: string, modelClass: ModelClass): void {
    this.#lines.get(poolId)?.overtake(modelClass);
  }

  /** Waits in line; the answer is the lease, or why there is none. */
  wait(pool: PoolConfig, request: AcquireRequest, priority: number, patience: Patience): Promise<Waited> {
    const now = this.#with.store.now();
    if (this.#isDraining) return Promise.resolve({ result: { kind: 'unavailable', why: 'draining' }, now, waitedMs: 0 });
    let line = this.#lines.get(pool.id);
    if (line === undefined) {
      line = new PoolLine(pool.id, this.#with);
      this.#lines.set(pool.id, line);
    }
    return line.wait(pool, request, priority, patience);
  }

  /** A new configuration may have made room. */
  wakeAll(): void {
    for (const line of this.#lines.values()) line.wake();
  }

  /** Answers everybody who waits, and whoever would from now on. */
  drain(): void {
    this.#isDraining = true;
    this.#dismiss({ kind: 'unavailable', why: 'draining' });
  }

  #dismiss(problem: Problem): void {
    for (const line of this.#lines.values()) line.dismiss(problem);
  }
}
