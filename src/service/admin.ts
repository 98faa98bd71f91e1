import { type Explanation, explain } from '../pool/explain.ts';
import type { Change, Facts, KeyConfig, Lease, PoolConfig } from '../pool/model.ts';
import { markHealthy, setDraining } from '../pool/operate.ts';
import { type KeyView, keyView, keyViews } from '../pool/status.ts';
import type { Millis } from '../pool/upstream.ts';
import { type Deciding, decide } from './decide.ts';
import type { Reloaded } from './generations.ts';
import type { AcquireCall, Leases, LeaseView } from './leases.ts';
import { type Page, type PageRequest, pageOf, sortable } from './pages.ts';
import type { Pools } from './pools.ts';
import { type Answer, answered, notFound, refused } from './problem.ts';
import { grantsFromOf } from './survey.ts';
import type { Waiting } from './waiting.ts';

/** Leases shown in the answer to a drain. */
const DRAIN_LEASES_SHOWN = 100;

export interface AdminOptions extends Deciding {
  readonly pools: Pools;
  readonly leases: Leases;
  readonly waiting: Waiting;
  readonly reload: () => Promise<Answer<Reloaded>>;
  readonly random: () => number;
}

export interface PoolView {
  readonly config: PoolConfig;
  readonly availableKeys: number;
  readonly activeLeases: number;
  readonly waiting: number;
  /** Nothing is granted before; null: nothing is in doubt. */
  readonly grantsFrom: Millis | null;
}

export interface Drained {
  readonly key: KeyView;
  /** Those that end last first. */
  readonly leases: readonly Lease[];
  readonly lastExpireTime: Millis | null;
}

/** The calls of operators as the wire knows them; those that change something are told who calls. */
export interface AdminApi extends Pick<Admin, 'listPools' | 'listKeys' | 'getKey' | 'listLeases' | 'explain'> {
  markHealthy(by: string, pool: string, keyId: string): Promise<Answer<KeyView>>;
  enable(by: string, pool: string, keyId: string): Promise<Answer<KeyView>>;
  drain(by: string, pool: string, keyId: string): Promise<Answer<Drained>>;
  revoke(by: string, leaseId: string): Promise<Answer<LeaseView>>;
  reload(by: string): Promise<Answer<Reloaded>>;
}

/** The calls as an object whose members can be replaced one by one. */
export function adminApi(inner: Admin): AdminApi {
  return {
    listPools: (...asked) => inner.listPools(...asked),
    listKeys: (...asked) => inner.listKeys(...asked),
    getKey: (...asked) => inner.getKey(...asked),
    listLeases: (...asked) => inner.listLeases(...asked),
    explain: (...asked) => inner.explain(...asked),
    markHealthy: (_by, pool, keyId) => inner.markHealthy(pool, keyId),
    enable: (_by, pool, keyId) => inner.enable(pool, keyId),
    drain: (_by, pool, keyId) => inner.drain(pool, keyId),
    revoke: (_by, leaseId) => inner.revoke(leaseId),
    reload: () => inner.reload(),
  };
}

/** The calls of operators, one method each. */
export class Admin {
  readonly #with: AdminOptions;

  constructor(options: AdminOptions) {
    this.#with = options;
  }

  /** The pools whose name `shows` lets through. */
  async listPools(page: PageRequest, shows: (pool: string) => boolean = () => true): Promise<Answer<Page<PoolView>>> {
    const pools = this.#with.pools
      .all()
      .filter(({ id }) => shows(id))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const views = await Promise.all(pools.map((pool) => this.#look(pool, (facts) => poolView(facts, this.#with.waiting.size(pool.id)))));
    return paged(views, page, ({ config }) => config.id, this.#with.store.now());
  }

  async listKeys(pool: string, page: PageRequest): Promise<Answer<Page<KeyView>>> {
    const config = this.#with.pools.named(pool);
    if (config === undefined) return notFound('pool', pool, this.#with.store.now());
    const views = await this.#look(config, keyViews);
    return paged(views, page, (view) => sortable(view.config.order), this.#with.store.now());
  }

  async getKey(pool: string, keyId: string): Promise<Answer<KeyView>> {
    return this.#onKey(pool, keyId, () => ({ pool }));
  }

  async listLeases(pool: string, filter: { keyId: string; holder: string }, page: PageRequest): Promise<Answer<Page<LeaseView>>> {
    const config = this.#with.pools.named(pool);
    if (config === undefined) return notFound('pool', pool, this.#with.store.now());
    const wanted = (lease: Lease) =>
      (filter.keyId === '' || lease.keyId === filter.keyId) && (filter.holder === '' || lease.holder === filter.holder);
    const leases = await this.#look(config, (facts) => [...facts.leases()].filter(wanted));
    leases.sort((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1));
    const views = leases.map((lease) => ({ lease, end: null }));
    return paged(views, page, ({ lease }) => positionOf(lease), this.#with.store.now());
  }

  /** What an acquire by this caller would be answered now, and why. Changes nothing. */
  async explain(call: AcquireCall, holder: string): Promise<Answer<{ explanation: Explanation; modelClass: string }>> {
    const pool = this.#with.pools.named(call.pool);
    if (pool === undefined) return notFound('pool', call.pool, this.#with.store.now());
    const modelClass = this.#with.leases.modelClass(pool, call.model);
    const { outcome, facts } = await decide(this.#with, pool, (facts) => ({
      outcome: explain(facts, { ...call, holder, modelClass }, this.#with.random),
      change: { pool: pool.id },
    }));
    return answered({ explanation: outcome, modelClass }, facts.now);
  }

  markHealthy(pool: string, keyId: string): Promise<Answer<KeyView>> {
    return this.#onKey(pool, keyId, markHealthy);
  }

  enable(pool: string, keyId: string): Promise<Answer<KeyView>> {
    return this.#onKey(pool, keyId, (facts, config) => setDraining(facts, config, false));
  }

  async drain(pool: string, keyId: string): Promise<Answer<Drained>> {
    const key = await this.#onKey(pool, keyId, (facts, config) => setDraining(facts, config, true));
    const config = this.#with.pools.named(pool);
    if (!key.ok || config === undefined) return key.ok ? notFound('pool', pool, key.now) : key;
    const leases = [...this.#with.store.read(config).leasesOfKey(keyId)].sort((a, b) => b.expireTime - a.expireTime);
    const lastExpireTime = leases[0]?.expireTime ?? null;
    return answered({ key: key.value, leases: leases.slice(0, DRAIN_LEASES_SHOWN), lastExpireTime }, key.now);
  }

  revoke(leaseId: string): Promise<Answer<LeaseView>> {
    return this.#with.leases.revoke(leaseId);
  }

  reload(): Promise<Answer<Reloaded>> {
    return this.#with.reload();
  }

  /** Something to show, once everything that it shows is durable. */
  async #look<T>(pool: PoolConfig, show: (facts: Facts) => T): Promise<T> {
    const { outcome } = await decide(this.#with, pool, (facts) => ({ outcome: show(facts), change: { pool: pool.id } }));
    return outcome;
  }

  async #onKey(pool: string, keyId: string, act: (facts: Facts, config: KeyConfig) => Change): Promise<Answer<KeyView>> {
    const config = this.#with.pools.named(pool);
    if (config === undefined) return notFound('pool', pool, this.#with.store.now());
    const key = config.keys.find(({ id }) => id === keyId);
    if (key === undefined) return notFound('key', keyId, this.#with.store.now());
    await decide(this.#with, config, (facts) => ({ outcome: undefined, change: { ...act(facts, key), pool: config.id } }));
    const facts = this.#with.store.read(config);
    return answered(keyView(facts, key, null), facts.now);
  }
}

function poolView(facts: Facts, waiting: number): PoolView {
  const keys = keyViews(facts);
  return {
    config: facts.pool,
    availableKeys: keys.filter(({ state }) => state === 'available').length,
    activeLeases: keys.reduce((sum, { activeLeases }) => sum + activeLeases, 0),
    waiting,
    grantsFrom: grantsFromOf(facts),
  };
}

function positionOf(lease: Lease): string {
  return `${sortable(lease.acquireTime)} ${lease.id}`;
}

function paged<T>(items: readonly T[], request: PageRequest, position: (item: T) => string, now: Millis): Answer<Page<T>> {
  const page = pageOf(items, request, position);
  return 'items' in page ? answered(page, now) : refused({ kind: 'invalid', violations: [page] }, now);
}
