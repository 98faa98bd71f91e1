import { RetryAction } from '../generated/keylease/v1/key_lease_service.ts';
import type { Lease } from '../generated/keylease/v1/lease.ts';
import type { LeaseCalls } from './lease-calls.ts';
import type { Advice, LeaseHandle } from './lease-handle.ts';
import type { Report } from './report.ts';
import { reportMessage } from './report-message.ts';
import type { Stats } from './stats.ts';
import { fromDuration, fromTimestamp, toDuration } from './time.ts';

const ACTIONS: Readonly<Record<number, Advice['action']>> = {
  [RetryAction.RETRY_ACTION_NONE]: 'none',
  [RetryAction.RETRY_ACTION_OTHER_KEY]: 'other_key',
  [RetryAction.RETRY_ACTION_AFTER_DELAY]: 'after_delay',
  [RetryAction.RETRY_ACTION_DO_NOT_RETRY]: 'do_not_retry',
};

const RENEW_MS_MIN = 250;

export interface HeldLeaseOptions {
  readonly calls: LeaseCalls;
  readonly stats: Stats;
  readonly callMsMax: number;
  /** What was asked for; undefined: the pool's. */
  readonly ttlMs: number | undefined;
}

/** A lease under way: renewed until everything is reported, or it is given back. */
export class HeldLease implements LeaseHandle {
  readonly id: string;
  readonly keyId: string;
  readonly modelClass: string;
  readonly #options: HeldLeaseOptions;
  readonly #ttlMs: number;
  readonly #renewUntil: number;
  readonly #requests: number;
  #left: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(lease: Lease, options: HeldLeaseOptions) {
    this.id = lease.leaseId;
    this.keyId = lease.keyId;
    this.modelClass = lease.modelClass;
    this.#options = options;
    this.#ttlMs = fromTimestamp(lease.expireTime!) - fromTimestamp(lease.acquireTime!);
    this.#renewUntil = performance.now() + options.callMsMax;
    this.#requests = Math.max(1, lease.requestsReserved);
    this.#left = this.#requests;
    options.stats.active += 1;
    this.#renewLater();
  }

  /** Everything was reported, or it was given back. */
  get isOver(): boolean {
    return this.#left === 0;
  }

  /** A request was reported. */
  get wasReported(): boolean {
    return this.#left < this.#requests;
  }

  async report(report: Report): Promise<Advice | null> {
    if (this.isOver) return null;
    const { calls, stats } = this.#options;
    if (report.inProgress !== true) this.#count(1);
    const value = reportMessage(this.id, { responseTime: Date.now(), ...report });
    // Where a lease covers several requests, a report that arrived twice would count twice.
    const reply = await calls.send({ $case: 'reportHeaders', value }, this.#requests === 1 || report.inProgress === true);
    if (reply?.$case !== 'reportHeaders') {
      stats.reportsDropped += 1;
      return null;
    }
    stats.reported += 1;
    const { retry } = reply.value;
    return { action: ACTIONS[retry?.action ?? 0] ?? 'none', delayMs: retry?.delay === undefined ? 0 : fromDuration(retry.delay) };
  }

  release(): void {
    if (this.isOver) return;
    this.#count(this.#left);
    this.#options.stats.released += 1;
    void this.#options.calls.send({ $case: 'releaseLease', value: { leaseId: this.id } });
  }

  #count(requests: number): void {
    this.#left -= requests;
    if (!this.isOver) return;
    clearTimeout(this.#timer);
    this.#options.stats.active -= 1;
  }

  #renewLater(): void {
    const timer = setTimeout(() => void this.#renew(), Math.max(RENEW_MS_MIN, this.#ttlMs / 2));
    // The call keeps the program alive, not its lease.
    this.#timer = timer.unref();
  }

  async #renew(): Promise<void> {
    const { calls, stats, ttlMs } = this.#options;
    if (performance.now() > this.#renewUntil) return;
    const ttl = ttlMs === undefined ? undefined : toDuration(ttlMs);
    const reply = await calls.send({ $case: 'renewLease', value: { leaseId: this.id, ttl } });
    if (reply?.$case !== 'renewLease') return;
    stats.renewed += 1;
    if (!this.isOver) this.#renewLater();
  }
}

/** The handle of the fallback key, behind which no lease stands. */
export function noLease(): LeaseHandle {
  return { id: '', keyId: 'fallback', modelClass: '', report: () => Promise.resolve(null), release: () => {} };
}
