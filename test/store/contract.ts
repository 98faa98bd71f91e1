import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Change, Lease } from '../../src/pool/model.ts';
import { FRESH_POOL, type Store } from '../../src/store/store.ts';
import { followsModel, intents, POOLS } from './model.ts';
import { makeGroup, makeKey, makeLease, makePool, makeRequest } from './records.ts';

/** The time of a store under test; `advance` moves it. */
export class TestTime {
  #elapsedMs = 0;
  readonly wall = () => 1_000_000;
  readonly monotonic = () => this.#elapsedMs;

  advance(ms: number): void {
    this.#elapsedMs += ms;
  }
}

const EMPTY: Change = { pool: 'p' };
const pool = makePool();

const ids = (leases: Iterable<Lease>) => Array.from(leases, (lease) => lease.id).sort();

/** What every store promises. `makeStore` makes a store without a record. */
export function storeContract(name: string, makeStore: (time: TestTime) => Store | Promise<Store>): void {
  describe(`${name}: what every store promises`, () => {
    let store: Store;
    let time: TestTime;

    beforeEach(async () => {
      time = new TestTime();
      store = await makeStore(time);
      await store.serve(['p', 'q'].map(makePool));
    });

    afterEach(() => store.close());

    test('a pool that was never written is fresh and has no records', () => {
      const facts = store.read(pool);
      expect(facts.state).toEqual(FRESH_POOL);
      expect([facts.key('k1'), facts.group('g1'), facts.lease('l1'), facts.request('h', 'r1')]).toEqual(Array(4).fill(undefined));
      expect([...facts.leases(), ...facts.leasesOfKey('k1'), ...facts.leasesOfGroup('g1')]).toEqual([]);
    });

    test('a view carries the configuration it was asked with and the time of the store', () => {
      time.advance(7);
      expect(store.read(pool)).toMatchObject({ now: 1_000_007, pool });
      expect(store.now()).toBe(1_000_007);
    });

    test('the installation key has at least 128 bits', () => {
      expect(store.installationKey.length).toBeGreaterThanOrEqual(16);
    });

    test('every kind of record is stored, versioned ones with the version after the one that was read', async () => {
      const all = { keys: [makeKey()], groups: [makeGroup()], leases: [makeLease()], requests: [makeRequest()] };
      expect(await store.apply({ pool: 'p', state: FRESH_POOL, ...all })).toBe('applied');
      const facts = store.read(pool);
      expect(facts.state).toEqual({ ...FRESH_POOL, version: 1 });
      expect(facts.key('k1')).toEqual(makeKey({ version: 1 }));
      expect(facts.group('g1')).toEqual(makeGroup({ version: 1 }));
      expect(facts.lease('l1')).toEqual(makeLease());
      expect(facts.request('h', 'r1')).toEqual(makeRequest());
    });

    test('a record of one pool is not seen in another', async () => {
      await store.apply({ pool: 'p', keys: [makeKey()], leases: [makeLease()], requests: [makeRequest()] });
      const other = store.read(makePool('q'));
      expect([other.key('k1'), other.lease('l1'), other.request('h', 'r1')]).toEqual([undefined, undefined, undefined]);
    });

    test.each<{ name: string; stale: Partial<Change> }>([
      { name: 'a pool state of an older version', stale: { state: FRESH_POOL } },
      { name: 'a key of an older version', stale: { keys: [makeKey({ id: 'new' }), makeKey({ version: 0 })] } },
      { name: 'a key of a version that is not there yet', stale: { keys: [makeKey({ id: 'new' }), makeKey({ version: 2 })] } },
      { name: 'a key that was read and is not there', stale: { keys: [makeKey({ id: 'new', version: 1 })] } },
      { name: 'a group of an older version', stale: { groups: [makeGroup({ id: 'new' }), makeGroup()] } },
      { name: 'a group that was read and is not there', stale: { groups: [makeGroup({ id: 'new', version: 1 })] } },
      { name: 'the end of a lease that is not there', stale: { ended: ['l1', 'never granted'] } },
    ])('a change with $name has moved on, and nothing of it is true', async ({ stale }) => {
      await store.apply({ pool: 'p', state: FRESH_POOL, keys: [makeKey()], groups: [makeGroup()], leases: [makeLease()] });
      const { sequence } = store.read(pool);
      const good = { groups: [makeGroup({ id: 'new' })], leases: [makeLease({ id: 'new' })], requests: [makeRequest()] };
      expect(await store.apply({ pool: 'p', ...good, ...stale })).toBe('moved_on');
      const facts = store.read(pool);
      expect([facts.key('new'), facts.group('new'), facts.lease('new'), facts.request('h', 'r1')]).toEqual(Array(4).fill(undefined));
      expect([facts.state.version, facts.key('k1')?.version, facts.group('g1')?.version]).toEqual([1, 1, 1]);
      expect(facts.lease('l1')).toEqual(makeLease());
      expect(facts.sequence).toBe(sequence);
    });

    test('a lease ends once', async () => {
      await store.apply({ pool: 'p', leases: [makeLease()] });
      const ends = [store.apply({ pool: 'p', ended: ['l1'] }), store.apply({ pool: 'p', ended: ['l1'] })];
      expect(await Promise.all(ends)).toEqual(['applied', 'moved_on']);
      expect(await store.apply({ pool: 'p', ended: ['l1'] })).toBe('moved_on');
    });

    test('leases are found by key and by group, also after they changed their group and after they ended', async () => {
      await store.apply({ pool: 'p', leases: [makeLease({ id: 'a' }), makeLease({ id: 'b' }), makeLease({ id: 'c', keyId: 'k2' })] });
      await store.apply({ pool: 'p', leases: [makeLease({ id: 'a', group: 'g2' })], ended: ['b'] });
      const facts = store.read(pool);
      expect(ids(facts.leasesOfKey('k1'))).toEqual(['a']);
      expect(ids(facts.leasesOfKey('k2'))).toEqual(['c']);
      expect(ids(facts.leasesOfGroup('g1'))).toEqual(['c']);
      expect(ids(facts.leasesOfGroup('g2'))).toEqual(['a']);
    });

    test('the leases of a key can be gone through twice', async () => {
      await store.apply({ pool: 'p', leases: [makeLease()] });
      const leases = store.read(pool).leasesOfKey('k1');
      expect([ids(leases), ids(leases)]).toEqual([['l1'], ['l1']]);
    });

    test('a read sees a change at once, before it is durable', async () => {
      const answer = store.apply({ pool: 'p', keys: [makeKey({ failures: 3 })], leases: [makeLease()] });
      expect(store.read(pool).key('k1')).toEqual(makeKey({ version: 1, failures: 3 }));
      expect(ids(store.read(pool).leasesOfKey('k1'))).toEqual(['l1']);
      await answer;
    });

    test('of two decisions on the same version exactly one is applied', async () => {
      const [first, second] = [makeKey({ failures: 1 }), makeKey({ failures: 2 })];
      const answers = await Promise.all([store.apply({ pool: 'p', keys: [first] }), store.apply({ pool: 'p', keys: [second] })]);
      expect(answers).toEqual(['applied', 'moved_on']);
      expect(store.read(pool).key('k1')?.failures).toBe(1);
    });

    test('an empty change waits until what was applied before it is durable', async () => {
      const durable: Change[] = [];
      store.onChange((change) => durable.push(change));
      const before = store.apply({ pool: 'p', keys: [makeKey()] });
      expect(await store.apply({ pool: 'p', keys: [], ended: [] })).toBe('applied');
      expect(durable).toHaveLength(1);
      await before;
    });

    test('an empty change with nothing to wait for is answered', async () => {
      expect(await store.apply(EMPTY)).toBe('applied');
    });

    test('the sequence starts above 0 and grows by one with each change that was applied', async () => {
      const start = store.read(pool).sequence;
      const answers = [
        store.apply({ pool: 'p', keys: [makeKey()] }),
        store.apply({ pool: 'q', keys: [makeKey()] }),
        store.apply({ pool: 'p', keys: [makeKey()] }),
        store.apply(EMPTY),
      ];
      expect(await Promise.all(answers)).toEqual(['applied', 'applied', 'moved_on', 'applied']);
      expect(start).toBeGreaterThan(0);
      expect(store.read(pool).sequence).toBe(start + 2);
    });

    test('listeners hear of every applied change of a pool in order, and of no other', async () => {
      const heard: string[] = [];
      store.onChange((change) => heard.push(`first: ${change.leases?.[0]?.id}`));
      store.onChange((change) => heard.push(`second: ${change.leases?.[0]?.id}`));
      const changes: Change[] = [
        { pool: 'p', leases: [makeLease({ id: 'a' })] },
        { pool: 'p', leases: [makeLease({ id: 'refused' })], ended: ['never granted'] },
        EMPTY,
        { pool: 'p', leases: [makeLease({ id: 'b' })] },
      ];
      await Promise.all(changes.map((change) => store.apply(change)));
      expect(heard).toEqual(['first: a', 'second: a', 'first: b', 'second: b']);
    });

    test('a request record is known until its time, which a later version of it may move', async () => {
      const [early, late] = [makeRequest({ forgetTime: 1_000_100 }), makeRequest({ requestId: 'r2', forgetTime: 1_000_100 })];
      await store.apply({ pool: 'p', requests: [early, late] });
      await store.apply({ pool: 'p', requests: [{ ...late, forgetTime: 1_000_200 }] });
      const known = () => ['r1', 'r2'].filter((requestId) => store.read(pool).request('h', requestId) !== undefined);
      time.advance(99);
      expect(known()).toEqual(['r1', 'r2']);
      time.advance(1);
      expect(known()).toEqual(['r2']);
      await store.apply({ pool: 'p', keys: [makeKey()] });
      expect(known()).toEqual(['r2']);
      time.advance(100);
      expect(known()).toEqual([]);
    });

    test('holder and request id together name a request, wherever one ends and the other begins', async () => {
      await store.apply({ pool: 'p', requests: [makeRequest({ holder: 'ab', requestId: 'c' })] });
      expect(store.read(pool).request('a', 'bc')).toBeUndefined();
    });

    test('any changes in any order leave what the plainest model says', async () => {
      const property = fc.asyncProperty(intents, async (all) => {
        const fresh = await makeStore(new TestTime());
        await fresh.serve(POOLS.map(makePool));
        await followsModel(fresh, all).finally(() => fresh.close());
      });
      await fc.assert(property, { numRuns: 60 });
    }, 60_000);
  });
}
