import fc from 'fast-check';
import { expect } from 'vitest';
import type { Change, Facts, GroupState, KeyState, Lease, PoolState, RequestRecord } from '../../src/pool/model.ts';
import { FRESH_POOL, type Store } from '../../src/store/store.ts';
import { makeGroup, makeKey, makeLease, makeMeter, makePool, makeRequest } from './records.ts';

export const POOLS = ['p', 'другой'];
const IDS = ['a', 'b', 'ключ 🔑', 'it\'s "quoted"', 'nul\0nul', '__proto__'];
const NEVER = Number.MAX_SAFE_INTEGER;

/** One change that is still to be given the versions of what it is applied to. `stale` makes one of them wrong. */
export interface Intent {
  readonly pool: string;
  readonly stale: boolean;
  readonly state: boolean;
  readonly keys: readonly string[];
  readonly groups: readonly string[];
  readonly leases: readonly Pick<Lease, 'id' | 'keyId' | 'group'>[];
  readonly ended: readonly string[];
  readonly requests: readonly Pick<RequestRecord, 'holder' | 'requestId'>[];
  readonly integer: number;
  readonly fraction: number;
  readonly wait: boolean;
}

const id = fc.constantFrom(...IDS);
const someIds = fc.uniqueArray(id, { maxLength: 3 });

export const intents: fc.Arbitrary<Intent[]> = fc.array(
  fc.record({
    pool: fc.constantFrom(...POOLS),
    stale: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    state: fc.boolean(),
    keys: someIds,
    groups: someIds,
    leases: fc.uniqueArray(fc.record({ id, keyId: id, group: id }), { maxLength: 4, selector: (lease) => lease.id }),
    ended: fc.uniqueArray(id, { maxLength: 1 }),
    requests: fc.array(fc.record({ holder: id, requestId: id }), { maxLength: 2 }),
    integer: fc.maxSafeInteger(),
    fraction: fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    wait: fc.boolean(),
  }),
  { maxLength: 40 },
);

class PoolModel {
  state: PoolState = FRESH_POOL;
  readonly keys = new Map<string, KeyState>();
  readonly groups = new Map<string, GroupState>();
  readonly leases = new Map<string, Lease>();
  readonly requests = new Map<string, RequestRecord>();
}

/** What a store should hold, in the plainest words. */
export class Model {
  readonly pools = new Map(POOLS.map((pool) => [pool, new PoolModel()]));

  change(intent: Intent): Change {
    const pool = this.pools.get(intent.pool)!;
    const { integer, fraction } = intent;
    return {
      pool: intent.pool,
      ...(intent.state && { state: { ...pool.state, turn: { lastOrder: -1, weights: { a: fraction } } } }),
      keys: intent.keys.map((key, index) =>
        makeKey({ id: key, version: (pool.keys.get(key)?.version ?? 0) + (intent.stale && index === 0 ? 1 : 0), failures: integer }),
      ),
      groups: intent.groups.map((group) =>
        makeGroup({ id: group, version: pool.groups.get(group)?.version ?? 0, meters: { [group]: [makeMeter({ deficit: fraction })] } }),
      ),
      leases: intent.leases.map((lease) => makeLease({ ...lease, pool: intent.pool, sentTime: integer })),
      ended: intent.ended,
      requests: intent.requests.map((request) => makeRequest({ ...request, contentHash: `${integer}`, forgetTime: NEVER })),
    };
  }

  apply(intent: Intent, change: Change): 'applied' | 'moved_on' {
    const pool = this.pools.get(intent.pool)!;
    const stale = intent.stale && intent.keys.length > 0;
    if (stale || intent.ended.some((lease) => !pool.leases.has(lease))) return 'moved_on';
    if (change.state) pool.state = { ...change.state, version: change.state.version + 1 };
    for (const key of change.keys!) pool.keys.set(key.id, { ...key, version: key.version + 1 });
    for (const group of change.groups!) pool.groups.set(group.id, { ...group, version: group.version + 1 });
    for (const lease of change.leases!) pool.leases.set(lease.id, lease);
    for (const lease of change.ended!) pool.leases.delete(lease);
    for (const request of change.requests!) pool.requests.set(JSON.stringify([request.holder, request.requestId]), request);
    return 'applied';
  }
}

/** Applies random changes to a store and to the model, several in one turn of the event loop, and compares after each. */
export async function followsModel(store: Store, all: readonly Intent[], model = new Model()): Promise<Model> {
  const answers: Promise<void>[] = [];
  for (const intent of all) {
    const change = model.change(intent);
    const expected = model.apply(intent, change);
    answers.push(store.apply(change).then((answer) => expect(answer).toBe(expected)));
    expectModel(store, model);
    await (intent.wait ? Promise.all(answers) : null);
  }
  await Promise.all(answers);
  return model;
}

/** Every record that is in the model is in the store, and no other. */
export function expectModel(store: Store, model: Model): void {
  for (const [id, pool] of model.pools) {
    const facts = store.read(makePool(id));
    const leases = [...pool.leases.values()];
    expect(facts.state).toEqual(pool.state);
    expect(byId(facts.leases())).toEqual(byId(leases));
    for (const id of IDS) {
      expect(facts.key(id)).toEqual(pool.keys.get(id));
      expect(facts.group(id)).toEqual(pool.groups.get(id));
      expect(facts.lease(id)).toEqual(pool.leases.get(id));
      expect(byId(facts.leasesOfKey(id))).toEqual(byId(leases.filter((lease) => lease.keyId === id)));
      expect(byId(facts.leasesOfGroup(id))).toEqual(byId(leases.filter((lease) => lease.group === id)));
      expectRequests(facts, pool, id);
    }
  }
}

function expectRequests(facts: Facts, pool: PoolModel, holder: string): void {
  for (const requestId of IDS) {
    expect(facts.request(holder, requestId)).toEqual(pool.requests.get(JSON.stringify([holder, requestId])));
  }
}

function byId(leases: Iterable<Lease>): Lease[] {
  return [...leases].sort((a, b) => (a.id < b.id ? -1 : 1));
}
