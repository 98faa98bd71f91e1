import { Gauge, type Registry } from 'prom-client';
import type { PoolConfig } from '../../pool/model.ts';
import type { KeyView, LimitView } from '../../pool/status.ts';
import type { Counts } from '../../service/counts.ts';
import type { Pools } from '../../service/pools.ts';
import { KEY_STATES, type PoolSurvey, survey } from '../../service/survey.ts';
import type { Store } from '../../store/store.ts';

/** What gauges are read from. */
export interface Sights {
  readonly store: Store;
  readonly pools: Pick<Pools, 'all'>;
  readonly waiting: { size(poolId: string): number };
  readonly generations: { readonly generation: number; readonly putTime: number };
  readonly counts: Counts;
  readonly isStoreUp: () => boolean;
}

/** A pool with more keys has no series of its keys: they would outnumber everything else. */
const KEYS_SHOWN_MAX = 500;

const OF_KEY = ['pool', 'key_ref'];
const OF_LIMIT = [...OF_KEY, 'limit_group', 'dimension', 'model_class', 'window'];

/** What goes up and down. Nothing is kept in step: `collect` looks at the service. */
export class Gauges {
  readonly #sights: Sights;
  readonly #keysShownMax: number;
  readonly #all: ReturnType<typeof makeGauges>;

  constructor(registry: Registry, sights: Sights, keysShownMax = KEYS_SHOWN_MAX) {
    this.#sights = sights;
    this.#keysShownMax = keysShownMax;
    this.#all = makeGauges(registry);
  }

  /** Sets every gauge; where the store is lost those of pools are left out, for nothing is known. */
  async collect(): Promise<void> {
    const { generations, isStoreUp, pools } = this.#sights;
    const { storeUp, generation, secretReload, ...ofPools } = this.#all;
    storeUp.set(isStoreUp() ? 1 : 0);
    generation.set(generations.generation);
    secretReload.set(generations.putTime / 1_000);
    for (const gauge of Object.values(ofPools)) gauge.reset();
    if (!isStoreUp()) return;
    for (const pool of pools.all()) await this.#collectPool(pool).catch(unlessStoreUp(isStoreUp));
  }

  async #collectPool(pool: PoolConfig): Promise<void> {
    const { store, waiting } = this.#sights;
    const areShown = pool.keys.length <= this.#keysShownMax;
    const views: KeyView[] = [];
    const seen = await survey(store, pool, (view) => areShown && views.push(view));
    this.#setPool(pool, seen, areShown);
    this.#all.waiters.set({ pool: pool.id }, waiting.size(pool.id));
    for (const view of views) this.#setKey(view);
  }

  #setPool({ id, keys }: PoolConfig, { states, activeLeases, limitless }: PoolSurvey, areShown: boolean): void {
    const { leases, keysInState, withoutLimits, learningMode, keysNotShown } = this.#all;
    leases.set({ pool: id, state: 'active' }, activeLeases);
    for (const state of KEY_STATES) keysInState.set({ pool: id, state }, states[state]);
    withoutLimits.set({ pool: id }, limitless);
    learningMode.set({ pool: id }, this.#sights.store.learningPools?.().includes(id) ? 1 : 0);
    keysNotShown.set({ pool: id }, areShown ? 0 : keys.length);
  }

  #setKey(view: KeyView): void {
    const { keyState, keyLeases, score } = this.#all;
    const ofKey = { pool: view.pool, key_ref: view.config.id };
    for (const state of KEY_STATES) keyState.set({ ...ofKey, state }, state === view.state ? 1 : 0);
    keyLeases.set(ofKey, view.activeLeases);
    score.set(ofKey, view.score);
    for (const limit of view.limits) this.#setLimit(view, limit);
  }

  #setLimit({ pool, config, limitGroup }: KeyView, { dimension, modelClass, windowMs, limit, remaining, reserved }: LimitView): void {
    const window = windowMs === null ? '' : `${windowMs / 1_000}s`;
    const labels = { pool, key_ref: config.id, limit_group: limitGroup, dimension, model_class: modelClass, window };
    this.#all.limit.set(labels, limit);
    this.#all.used.set(labels, limit - remaining);
    this.#all.reserved.set(labels, reserved);
  }
}

/** A store that is lost in the middle of a scrape leaves a gap in it; anything else is a fault. */
function unlessStoreUp(isStoreUp: () => boolean) {
  return (fault: unknown) => {
    if (isStoreUp()) throw fault;
  };
}

function makeGauges(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
  return {
    storeUp: gauge('keylease_store_up', 'Whether the store keeps its promise: 1, or 0 while it is lost.'),
    generation: gauge('keylease_config_generation', 'How many configurations were put in force since the start.'),
    secretReload: gauge('keylease_secret_reload_timestamp_seconds', 'When the secrets in force were read.'),
    leases: gauge('keylease_leases', 'Leases under way.', ['pool', 'state']),
    waiters: gauge('keylease_waiters', 'Acquires that wait in line.', ['pool']),
    keysInState: gauge('keylease_keys', 'Keys by their state.', ['pool', 'state']),
    withoutLimits: gauge('keylease_keys_without_limits', 'Keys of which no limit is known, so that what they bear is learnt.', ['pool']),
    learningMode: gauge('keylease_learning_mode', 'Whether nothing is granted, as the store may have forgotten grants: 1 or 0.', ['pool']),
    keysNotShown: gauge('keylease_keys_not_shown', 'Keys without series of their own, because their pool is too large.', ['pool']),
    keyState: gauge('keylease_key_state', 'Whether the key is in this state: 1 or 0.', [...OF_KEY, 'state']),
    keyLeases: gauge('keylease_key_leases', 'Leases under way on the key.', OF_KEY),
    score: gauge('keylease_key_capacity_score', 'What is left of the key, 0 to 1, as strategies see it.', OF_KEY),
    limit: gauge('keylease_capacity_limit', 'What one window allows. Keys of one limit group show the same allowance.', OF_LIMIT),
    used: gauge('keylease_capacity_used', 'What is used of the limit, before reservations.', OF_LIMIT),
    reserved: gauge('keylease_capacity_reserved', 'What leases under way hold of the limit.', OF_LIMIT),
  };
}
