import type { Change, Facts, PoolConfig } from '../pool/model.ts';
import { type KeyView, keyView } from '../pool/status.ts';
import type { Millis } from '../pool/upstream.ts';
import type { Store } from '../store/store.ts';
import type { Pools } from './pools.ts';

/** What a watcher is told next. */
export interface KeyNews {
  readonly keys: readonly KeyView[];
  readonly removed: readonly string[];
  readonly snapshotComplete: boolean;
}

/** Keys in one message: a message stays far below what a client receives at once. */
const KEYS_IN_NEWS = 200;

const TIMER_MAX_MS = 60_000;

/**
 * Follows the keys of a pool: first all of them, then those that change, also by the mere passing of time. It remembers which keys
 * changed, not how, so a slow reader costs no memory and always gets the last state.
 */
export class KeyWatch {
  readonly #store: Store;
  readonly #pools: Pools;
  readonly #poolId: string;
  readonly #wake: () => void;
  readonly #changed = new Set<string>();
  readonly #shown = new Set<string>();
  /** Keys that come back by themselves, which changes nothing in the store. */
  readonly #returning = new Map<string, Millis>();
  #snapshot: string[];
  #timer: NodeJS.Timeout | undefined;

  /** `wake` is called whenever there may be news. */
  constructor(store: Store, pools: Pools, pool: PoolConfig, wake: () => void) {
    this.#store = store;
    this.#pools = pools;
    this.#poolId = pool.id;
    this.#wake = wake;
    this.#snapshot = pool.keys.map(({ id }) => id);
  }

  /** Hears of every change that was applied for good. */
  follow(change: Change): void {
    if (change.pool !== this.#poolId) return;
    for (const id of this.#affected(change)) this.#changed.add(id);
    if (this.#changed.size > 0) this.#wake();
  }

  /** Hears of a new configuration. */
  reloaded(): void {
    for (const { id } of this.#pools.named(this.#poolId)?.keys ?? []) this.#changed.add(id);
    this.#wake();
  }

  /** What the reader has not been told yet; undefined: nothing. */
  next(): KeyNews | undefined {
    const pool = this.#pools.named(this.#poolId);
    const configured = new Set(pool?.keys.map(({ id }) => id));
    const removed = [...this.#shown].filter((id) => !configured.has(id));
    for (const id of removed) {
      this.#shown.delete(id);
      this.#returning.delete(id);
    }
    const inSnapshot = this.#snapshot.length > 0;
    const ids = inSnapshot ? this.#snapshot.splice(0, KEYS_IN_NEWS) : [...this.#changed].slice(0, KEYS_IN_NEWS);
    if (ids.length === 0 && removed.length === 0) return undefined;
    for (const id of ids) this.#changed.delete(id);
    const keys = pool === undefined ? [] : this.#views(pool, ids);
    for (const { config } of keys) this.#shown.add(config.id);
    return { keys, removed, snapshotComplete: inSnapshot && this.#snapshot.length === 0 };
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #views(pool: PoolConfig, ids: readonly string[]): readonly KeyView[] {
    const facts = this.#store.read(pool);
    const views = pool.keys.filter(({ id }) => ids.includes(id)).map((config) => keyView(facts, config, null));
    this.#lookAgain(views, facts.now);
    return views;
  }

  #lookAgain(views: readonly KeyView[], now: Millis): void {
    for (const { config, availableTime } of views) {
      if (availableTime === null) this.#returning.delete(config.id);
      else this.#returning.set(config.id, availableTime);
    }
    clearTimeout(this.#timer);
    if (this.#returning.size === 0) return;
    const wait = Math.min(TIMER_MAX_MS, Math.max(1, Math.min(...this.#returning.values()) - now));
    this.#timer = setTimeout(() => this.#return(), wait).unref();
  }

  #return(): void {
    const now = this.#store.now();
    for (const [id, time] of this.#returning) if (time <= now) this.#changed.add(id);
    if (this.#changed.size > 0) this.#wake();
    else this.#lookAgain([], now);
  }

  /** The keys of a change, and those that draw on a limit group or provider that changed. */
  #affected(change: Change): Iterable<string> {
    const pool = this.#pools.named(this.#poolId);
    if (pool === undefined) return [];
    if (change.state !== undefined && Object.keys(change.state.blocks).length > 0) return pool.keys.map(({ id }) => id);
    const groups = new Set((change.groups ?? []).map(({ id }) => id));
    const facts: Facts = this.#store.read(pool);
    const own = new Set((change.keys ?? []).map(({ id }) => id));
    return pool.keys.map(({ id }) => id).filter((id) => own.has(id) || groups.has(facts.key(id)?.group ?? id));
  }
}

/** The watches that are open, told of every change. */
export class Watches {
  readonly #store: Store;
  readonly #pools: Pools;
  readonly #open = new Set<KeyWatch>();

  constructor(store: Store, pools: Pools) {
    this.#store = store;
    this.#pools = pools;
    store.onChange((change) => {
      for (const watch of this.#open) watch.follow(change);
    });
  }

  /** Follows a pool until `close`; undefined: there is no such pool. `wake` is called whenever there may be news. */
  open(name: string, wake: () => void): (Pick<KeyWatch, 'next'> & { close(): void }) | undefined {
    const pool = this.#pools.named(name);
    if (pool === undefined) return undefined;
    const watch = new KeyWatch(this.#store, this.#pools, pool, wake);
    this.#open.add(watch);
    const close = () => {
      watch.stop();
      this.#open.delete(watch);
    };
    return { next: () => watch.next(), close };
  }

  reloaded(): void {
    for (const watch of this.#open) watch.reloaded();
  }

  close(): void {
    for (const watch of this.#open) watch.stop();
    this.#open.clear();
  }
}
