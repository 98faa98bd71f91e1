import { end } from '../pool/lease.ts';
import type { Change, Lease, PoolConfig } from '../pool/model.ts';
import type { Millis } from '../pool/upstream.ts';
import { type Store, StoreLost } from '../store/store.ts';
import { DueTimes } from './due.ts';

/** The longest that a timer is set for; it is set again then. */
const TIMER_MAX_MS = 60_000;

/** Ends leases when they are due, by a timer and before each decision. */
export class Expiry {
  readonly #store: Store;
  readonly #poolOf: (id: string) => PoolConfig | undefined;
  readonly #due = new DueTimes<string>();
  readonly #expired: (lease: Lease) => void;
  #timer: NodeJS.Timeout | undefined;
  #timerTime: Millis | undefined;
  #running: Promise<void> | undefined;

  /** `poolOf` knows every pool that may have leases under way, also one that left the configuration; `expired` hears of each lease that ended so. */
  constructor(store: Store, poolOf: (id: string) => PoolConfig | undefined, expired: (lease: Lease) => void) {
    this.#store = store;
    this.#poolOf = poolOf;
    this.#expired = expired;
    store.onChange((change) => this.#follow(change));
  }

  /** Files the leases of these pools anew: at the start, and when the store is back. */
  refile(pools: readonly PoolConfig[]): void {
    this.#due.clear();
    for (const pool of pools) for (const lease of this.#store.read(pool).leases()) this.#file(lease);
    this.#setTimer();
  }

  isDue(now: Millis): boolean {
    const next = this.#due.next();
    return next !== undefined && next <= now;
  }

  /** Ends every lease that is due. */
  run(): Promise<void> {
    this.#running ??= this.#endDue().finally(() => {
      this.#running = undefined;
      this.#setTimer();
    });
    return this.#running;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #endDue(): Promise<void> {
    const due = this.#due.take(this.#store.now());
    const ending = due.map(({ id, value }) => this.#end(id, value));
    // What is lost is filed anew when it is back, and keeps nobody from deciding on a pool that is not.
    await Promise.all(ending.map((end) => end.catch(ignoreLoss)));
  }

  async #end(id: string, poolId: string): Promise<void> {
    const pool = this.#poolOf(poolId);
    if (pool === undefined) return;
    const facts = this.#store.read(pool);
    const lease = facts.lease(id);
    if (lease === undefined) return;
    const over = lease.expireTime <= facts.now && (await this.#store.apply(end(facts, lease, 'expired').change)) === 'applied';
    if (over) this.#expired(lease);
    else this.#file(lease);
  }

  #follow(change: Change): void {
    for (const lease of change.leases ?? []) this.#file(lease);
    for (const id of change.ended ?? []) this.#due.unfile(id);
    this.#setTimer();
  }

  #file(lease: Lease): void {
    this.#due.file(lease.id, lease.expireTime, lease.pool);
  }

  #setTimer(): void {
    const next = this.#due.next();
    if (next === this.#timerTime) return;
    clearTimeout(this.#timer);
    this.#timerTime = next;
    if (next === undefined) return;
    const wait = Math.max(1, Math.min(TIMER_MAX_MS, next - this.#store.now()));
    this.#timer = setTimeout(() => this.#onTimer(), wait).unref();
  }

  #onTimer(): void {
    this.#timerTime = undefined;
    this.run().catch(ignoreLoss);
  }
}

function ignoreLoss(fault: unknown): void {
  if (!(fault instanceof StoreLost)) throw fault;
}
