import type { Millis } from '../pool/upstream.ts';
import type { Call } from './scenario.ts';

/** A request that was limited, for the picture. */
export interface Mark {
  readonly time: Millis;
  readonly keyId: string;
}

/** Counts what becomes of calls. */
export class Measure {
  attempts = 0;
  served = 0;
  refused = 0;
  failed = 0;
  readonly statuses = new Map<number, number>();
  readonly marks: Mark[] = [];
  readonly #waits: number[] = [];
  readonly #asked = new Map<string, number>();
  readonly #got = new Map<string, number>();

  /** `calls` is everything that clients want. */
  constructor(calls: readonly Call[]) {
    for (const { holder } of calls) count(this.#asked, holder);
  }

  sent(): void {
    this.attempts += 1;
  }

  answered({ arrival, holder }: Call, keyId: string, status: number, requestTime: Millis, now: Millis): void {
    count(this.statuses, status);
    if (status === 429) this.marks.push({ time: now, keyId });
    if (status !== 200) return;
    this.served += 1;
    this.#waits.push(requestTime - arrival);
    count(this.#got, holder);
  }

  gaveUp(_call: Call, why: 'refused' | 'failed'): void {
    this[why] += 1;
  }

  /** The wait of calls that were let in, from their arrival, that a share of them did not exceed. */
  waitMs(share: number): number {
    const sorted = this.#waits.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  }

  /** Jain's index of what holders got, each compared with its fair share of everything served; 1: nobody got less than is fair. */
  fairness(): number {
    const fair = fairShares(this.#asked, this.served);
    const shares = [...fair].filter(([, due]) => due > 0).map(([holder, due]) => Math.min(1, (this.#got.get(holder) ?? 0) / due));
    return jain(shares);
  }
}

/** (Σx)² / (n · Σx²): 1 where all are alike, 1/n where one has everything. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}

/** An amount shared out so that nobody gets more than it asked for, and what is left over goes to all others alike. */
export function fairShares(asked: ReadonlyMap<string, number>, amount: number): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  let left = amount;
  for (const [place, [holder, wanted]] of [...asked].sort(([, a], [, b]) => a - b).entries()) {
    const share = Math.min(wanted, left / (asked.size - place));
    shares.set(holder, share);
    left -= share;
  }
  return shares;
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
