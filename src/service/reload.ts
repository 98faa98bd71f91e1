import type { Config } from '../config/config.ts';
import { reconcile } from '../pool/reconcile.ts';
import { type Deciding, decide } from './decide.ts';
import type { Pools } from './pools.ts';

/** What a new configuration changed. Keys as `pool/key`. */
export interface Reloaded {
  readonly generation: number;
  readonly addedKeys: readonly string[];
  readonly removedKeys: readonly string[];
  readonly rotatedKeys: readonly string[];
}

/** Puts a checked configuration in force, and brings the records in line with it. */
export class Generations {
  readonly #with: Deciding & { readonly pools: Pools };
  #generation = 0;

  constructor(options: Deciding & { readonly pools: Pools }) {
    this.#with = options;
  }

  async put(config: Config): Promise<Reloaded> {
    const before = this.#keys();
    this.#with.pools.put(config.pools);
    const rotated = await this.reconcile();
    // A pool that is new here may have leases from an earlier run.
    this.#with.expiry.refile(this.#with.pools.all());
    const after = this.#keys();
    this.#generation += 1;
    return {
      generation: this.#generation,
      addedKeys: [...after].filter((key) => !before.has(key)),
      removedKeys: [...before].filter((key) => !after.has(key)),
      rotatedKeys: rotated,
    };
  }

  /** Brings the records in line with the configuration in force; answers the keys whose secret is another one. */
  async reconcile(): Promise<readonly string[]> {
    const rotated: string[] = [];
    for (const pool of this.#with.pools.all()) {
      const { outcome } = await decide(this.#with, pool, (facts) => {
        const { change, rotated } = reconcile(facts);
        return { outcome: rotated, change };
      });
      rotated.push(...outcome.map((key) => `${pool.id}/${key}`));
    }
    return rotated;
  }

  #keys(): ReadonlySet<string> {
    return new Set(this.#with.pools.all().flatMap((pool) => pool.keys.map((key) => `${pool.id}/${key.id}`)));
  }
}
