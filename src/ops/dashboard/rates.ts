import type { Counts } from '../../service/counts.ts';

const SECOND_MS = 1_000;

/** Seconds that are remembered. */
const SECONDS = 120;

/** How often something happened in each of the last seconds, the latest last. */
export interface PoolRates {
  readonly grants: readonly number[];
  readonly rateLimited: readonly number[];
}

interface Sampled {
  grants: number[];
  rateLimited: number[];
  grantsBefore: number;
  rateLimitedBefore: number;
}

/** Looks at the counts once a second, so that whoever opens the page sees the last two minutes. */
export class Rates {
  readonly #counts: Counts;
  readonly #pools = new Map<string, Sampled>();
  readonly #timer: NodeJS.Timeout;

  constructor(counts: Counts) {
    this.#counts = counts;
    this.#timer = setInterval(() => this.sample(), SECOND_MS).unref();
  }

  of(poolId: string): PoolRates {
    return this.#pools.get(poolId) ?? { grants: zeros(), rateLimited: zeros() };
  }

  sample(): void {
    for (const [pool, { acquires, verdicts }] of this.#counts.pools) {
      let sampled = this.#pools.get(pool);
      if (sampled === undefined) {
        sampled = { grants: zeros(), rateLimited: zeros(), grantsBefore: 0, rateLimitedBefore: 0 };
        this.#pools.set(pool, sampled);
      }
      const grants = acquires.get('granted') ?? 0;
      const rateLimited = verdicts.get('rate_limited') ?? 0;
      sampled.grants = [...sampled.grants.slice(1), grants - sampled.grantsBefore];
      sampled.rateLimited = [...sampled.rateLimited.slice(1), rateLimited - sampled.rateLimitedBefore];
      sampled.grantsBefore = grants;
      sampled.rateLimitedBefore = rateLimited;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function zeros(): number[] {
  return Array.from({ length: SECONDS }, () => 0);
}
