import { KeyIndex } from '../pool/key-index.ts';
import type { Change, Facts, KeyConfig, PoolConfig } from '../pool/model.ts';
import type { ModelClass } from '../pool/upstream.ts';
import type { Store } from '../store/store.ts';

/** Up to so many keys it is quicker to look at each. */
const SCAN_MAX = 100;

interface Indexed {
  readonly pool: PoolConfig;
  readonly byClass: Map<ModelClass, KeyIndex>;
  /** Of the keys at home alone, while it is this that tells where one is at home. */
  home: { readonly isHome: Facts['isHome']; readonly byClass: Map<ModelClass, KeyIndex> };
  /** The keys that are known to draw on a limit group. */
  readonly members: Map<string, Set<string>>;
  readonly groupOf: Map<string, string>;
  blocks: object;
}

/** The indexes of large pools, kept in step with the store. */
export class Indexes {
  readonly #store: Pick<Store, 'read' | 'onChange' | 'onHealth'>;
  readonly #scanMax: number;
  readonly #pools = new Map<string, Indexed>();

  constructor(store: Pick<Store, 'read' | 'onChange' | 'onHealth'>, scanMax = SCAN_MAX) {
    this.#store = store;
    this.#scanMax = scanMax;
    store.onChange((change) => this.#follow(change));
    store.onHealth(() => this.#pools.clear());
  }

  /** The index of a pool for a class; undefined: the pool is small, or its strategy is more than a value. */
  of(facts: Facts, modelClass: ModelClass): KeyIndex | undefined {
    const { value } = facts.pool.strategy;
    if (facts.pool.keys.length <= this.#scanMax || value === undefined) return undefined;
    const { byClass } = this.#indexed(facts);
    let index = byClass.get(modelClass);
    if (index === undefined) {
      index = new KeyIndex(facts.pool, value, facts.now);
      byClass.set(modelClass, index);
    }
    return index;
  }

  /** The index of those keys of the highest tier whose limit groups are at home; undefined: none is more at home than another. */
  ofHome(facts: Facts, modelClass: ModelClass): KeyIndex | undefined {
    const { pool, isHome } = facts;
    if (isHome === undefined || pool.strategy.value === undefined) return undefined;
    const indexed = this.#indexed(facts);
    if (indexed.home.isHome !== isHome) indexed.home = { isHome, byClass: new Map() };
    let index = indexed.home.byClass.get(modelClass);
    if (index === undefined) {
      const tier = pool.keys.reduce((highest, { priority }) => Math.max(highest, priority), Number.NEGATIVE_INFINITY);
      const keys = pool.keys.filter((key) => key.priority === tier && isHome(groupOf(facts, key)));
      index = new KeyIndex({ ...pool, keys }, pool.strategy.value, facts.now);
      indexed.home.byClass.set(modelClass, index);
    }
    return index;
  }

  /** A configuration that was put in force makes a pool anew. */
  #indexed(facts: Facts): Indexed {
    const known = this.#pools.get(facts.pool.id);
    if (known?.pool === facts.pool) return known;
    const made: Indexed = {
      ...{ pool: facts.pool, byClass: new Map(), home: { isHome: undefined, byClass: new Map() } },
      ...{ members: new Map(), groupOf: new Map(), blocks: facts.state.blocks },
    };
    for (const config of facts.pool.keys) join(made, config.id, groupOf(facts, config));
    this.#pools.set(facts.pool.id, made);
    return made;
  }

  #follow(change: Change): void {
    const indexed = this.#pools.get(change.pool);
    if (indexed === undefined) return;
    for (const key of change.keys ?? []) join(indexed, key.id, key.group);
    if (isGrant(change)) return;
    const facts = this.#store.read(indexed.pool);
    const isBlocked = facts.state.blocks !== indexed.blocks;
    indexed.blocks = facts.state.blocks;
    const changed = isBlocked ? indexed.pool.keys.map(({ id }) => id) : affected(indexed, change);
    for (const { byClass } of [indexed, indexed.home]) {
      for (const index of byClass.values()) for (const id of changed) index.loosen(id);
    }
  }
}

/** A grant only takes room, and needs no second look. */
function isGrant({ keys, leases, ended }: Change): boolean {
  const [lease, another] = leases ?? [];
  if (lease === undefined || another !== undefined || ended !== undefined) return false;
  return keys?.length === 1 && lease.answerTime === null && lease.requestsReported === 0;
}

function affected(indexed: Indexed, change: Change): ReadonlySet<string> {
  const ids = new Set((change.keys ?? []).map(({ id }) => id));
  for (const { id } of change.groups ?? []) for (const member of indexed.members.get(id) ?? []) ids.add(member);
  return ids;
}

function groupOf(facts: Facts, config: KeyConfig): string {
  return facts.key(config.id)?.group ?? config.limitGroup ?? config.id;
}

function join(indexed: Indexed, keyId: string, group: string): void {
  const before = indexed.groupOf.get(keyId);
  if (before === group) return;
  if (before !== undefined) indexed.members.get(before)?.delete(keyId);
  indexed.groupOf.set(keyId, group);
  indexed.home.byClass.clear();
  const members = indexed.members.get(group);
  if (members === undefined) indexed.members.set(group, new Set([keyId]));
  else members.add(keyId);
}
