import type { Millis, Verdict } from '../pool/upstream.ts';
import type { Problem } from './problem.ts';
import { Timings } from './timings.ts';

/** What became of an acquire. */
export type AcquireOutcomeName = 'granted' | 'repeated' | Problem['kind'] | 'fault';

/** A report that said that something is wrong. */
export interface BadReport {
  readonly time: Millis;
  readonly pool: string;
  readonly keyId: string;
  readonly verdict: Verdict;
  /** The HTTP status; 0: no response arrived. */
  readonly status: number;
}

export type StoreOperation = 'read' | 'apply';

const WAIT_BOUNDS = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const LAG_BOUNDS = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const COMMIT_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Bad reports that are remembered for people. */
const BAD_REPORTS_MAX = 50;

/** What happened in one pool since the start. */
export class PoolCounts {
  readonly acquires = new Map<AcquireOutcomeName, number>();
  readonly verdicts = new Map<Verdict, number>();
  /** Of calls that would rather wait than fail, also those that did not have to. */
  readonly waits = new Timings(WAIT_BOUNDS);
  /** From the response, as the caller tells its time, to the arrival of the report. */
  readonly lags = new Timings(LAG_BOUNDS);
  expiredUnreported = 0;
  overcommits = 0;

  acquired(outcome: AcquireOutcomeName): void {
    this.acquires.set(outcome, (this.acquires.get(outcome) ?? 0) + 1);
  }

  judged(verdict: Verdict): void {
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
  }
}

/** What happened since the start: plain numbers that the hot path raises and that metrics and the dashboard read. */
export class Counts {
  readonly pools = new Map<string, PoolCounts>();
  /** Acquires that named no pool that there is. */
  poolless = 0;
  readonly commits = new Timings(COMMIT_BOUNDS);
  readonly storeFailures: Record<StoreOperation, number> = { read: 0, apply: 0 };
  readonly #badReports: BadReport[] = [];

  of(poolId: string): PoolCounts {
    let counts = this.pools.get(poolId);
    if (counts === undefined) {
      counts = new PoolCounts();
      this.pools.set(poolId, counts);
    }
    return counts;
  }

  noteBad(report: BadReport): void {
    this.#badReports.push(report);
    if (this.#badReports.length > BAD_REPORTS_MAX) this.#badReports.shift();
  }

  /** The newest first. */
  badReports(poolId: string): readonly BadReport[] {
    return this.#badReports.filter(({ pool }) => pool === poolId).reverse();
  }
}
