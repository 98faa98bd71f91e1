import type { Config } from '../config/config.ts';
import { reconcile } from '../pool/reconcile.ts';
import type { Millis } from '../pool/upstream.ts';
import { type Deciding, decide } from './decide.ts';
import type { Pools } from './pools.ts';
import type { Waiting } from './waiting.ts';
import type { Watches } from './watch.ts';

/** What a new configuration changed. Keys as `pool/key`. */
export interface Reloaded {
  readonly generation: number;
  readonly addedKeys: readonly string[];
  readonly removedKeys: readonly string[];
  readonly rotatedKeys: readonly string[];
}

export interface GenerationsOptions extends Deciding {
  readonly pools: Pools;
  readonly waiting: Waiting;
  readonly watches: Watches;
}

/** Puts checked configurations in force, and brings the records in line with them. */
export class Generations {
  readonly #with: GenerationsOptions;
  #generation = 0;
  #putTime: Millis = 0;

  constructor(options: GenerationsOptions) {
    this.#with = options;
  }

  /** Counts the configurations put in force since the start. */
  get generation(): number {
    return this.#generation;
  }

  /** When the configuration in force, with its secrets, was put there. */
  get putTime(): Millis {
    return this.#putTime;
  }

  async put(config: Config): Promise<Reloaded> {
    await this.#with.store.serve(config.pools);
    const before = this.#keys();
    this.#with.pools.put(config.pools);
    const rotated = await this.recover();
    const after = this.#keys();
    this.#generation += 1;
    this.#putTime = this.#with.store.now();
    this.#with.watches.reloaded();
    this.#with.waiting.wakeAll();
    return {
      generation: this.#generation,
      addedKeys: [...after].filter((key) => !before.has(key)),
      removedKeys: [...before].filter((key) => !after.has(key)),
      rotatedKeys: rotated,
    };
  }

  /**
   * Brings the records in line with the configuration in force, also when they were read anew; answers the keys whose secret is
   * another one. A pool may have leases from an earlier run.
   */
  async recover(): Promise<readonly string[]> {
    const rotated: string[] = [];
    this.#with.expiry.refile(this.#with.pools.all());
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
