import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Change, Facts, Lease, PoolState } from '../../../src/pool/model.ts';
import type { Store } from '../../../src/store/store.ts';
import { RedisServer, redisServer, until } from '../../support/redis.ts';
import { makeGroup, makeKey, makeLease, makePool, makeRequest, makeUsage } from '../records.ts';
import { openReplica, settingsOf } from './open.ts';

const pool = makePool();

describe.skipIf(redisServer === null)('several replicas on one server', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  const twoReplicas = async () => {
    const settings = settingsOf(server.at);
    return [await openReplica(settings), await openReplica(settings)] as const;
  };

  test('all have one installation key', async () => {
    const [a, b] = await twoReplicas();
    expect(a.installationKey).toEqual(b.installationKey);
    expect(a.installationKey.length).toBe(32);
  });

  test('every kind of record that one replica writes is seen by the others, and by one that comes later', async () => {
    const settings = settingsOf(server.at);
    const [a, b] = [await openReplica(settings), await openReplica(settings)];
    const heard: Change[] = [];
    b.onChange((change) => heard.push(change));
    const all = { keys: [makeKey()], groups: [makeGroup()], leases: [makeLease()], requests: [makeRequest({ forgetTime: 9e15 })] };
    await a.apply({ pool: 'p', state: a.read(pool).state, ...all });
    await until(() => heard.length === 1);
    for (const store of [b, await openReplica(settings)]) expect(contentOf(store)).toEqual(contentOf(a));
    expect(heard).toEqual([
      {
        pool: 'p',
        state: a.read(pool).state,
        ...{ ...all, keys: [makeKey({ version: 1 })], groups: [makeGroup({ version: 1 })] },
      },
    ]);
    await a.apply({ pool: 'p', ended: ['l1'] });
    await until(() => heard.length === 2);
    expect(heard[1]).toEqual({ pool: 'p', ended: ['l1'] });
    expect(contentOf(b)).toEqual(contentOf(a));
  });

  test('of two replicas that decide on the same version one is applied, whoever was first', async () => {
    const [a, b] = await twoReplicas();
    const answers = await Promise.all([a, b].map((store, failures) => store.apply({ pool: 'p', keys: [makeKey({ failures })] })));
    expect(answers.toSorted()).toEqual(['applied', 'moved_on']);
    await until(() => a.read(pool).key('k1')?.failures === b.read(pool).key('k1')?.failures);
    expect(a.read(pool).key('k1')?.failures).toBe(answers.indexOf('applied'));
  });

  test('after a conflict both keep to limit groups of their own, also the one that was first', async () => {
    const [a, b] = await twoReplicas();
    await Promise.all([a, b].map((store, failures) => store.apply({ pool: 'p', keys: [makeKey({ failures })] })));
    const areApart = () => {
      const [isOfA, isOfB] = [a, b].map((store) => store.read(pool).isHome);
      return isOfA !== undefined && isOfB !== undefined && ['g1', 'g2', 'g3', 'g4'].every((group) => isOfA(group) !== isOfB(group));
    };
    await until(areApart);
  });

  test('what both learn of usage at once is applied, and all end with what came last', async () => {
    const settings = settingsOf(server.at);
    const [a, b] = [await openReplica(settings), await openReplica(settings)];
    const learn = (store: Store, inputMean: number, more: Partial<PoolState> = {}) => {
      const { state } = store.read(pool);
      return store.apply({ pool: 'p', state: { ...state, ...more, usage: { ...state.usage, m: makeUsage(inputMean) } } });
    };
    // One of them settles more than it learns.
    const answers = await Promise.all([learn(a, 1), learn(b, 2, { turn: { lastOrder: 7, weights: {} } }), learn(a, 3), learn(b, 4)]);
    expect(answers).toEqual(Array(4).fill('applied'));
    await until(() => contentOf(a) === contentOf(b));
    expect(contentOf(await openReplica(settings))).toEqual(contentOf(a));
    expect(a.read(pool).state).toMatchObject({ turn: { lastOrder: 7 }, version: 1 });
    expect([3, 4]).toContain(a.read(pool).state.usage.m?.inputMean);
  });

  test('what was learnt with a change that came to nothing is as the store has it', async () => {
    const [a, b] = await twoReplicas();
    const learn = (store: Store, modelClass: string) =>
      store.apply({ pool: 'p', keys: [makeKey()], state: { ...store.read(pool).state, usage: { [modelClass]: makeUsage(1) } } });
    const answers = await Promise.all([learn(a, 'of a'), learn(b, 'of b')]);
    expect(answers.toSorted()).toEqual(['applied', 'moved_on']);
    await until(() => contentOf(a) === contentOf(b));
    expect(Object.keys(a.read(pool).state.usage)).toEqual([answers[0] === 'applied' ? 'of a' : 'of b']);
  });

  test('a chain of own changes falls with the one it rests on, and what does not rest on it stands', async () => {
    const [a, b] = await twoReplicas();
    const later = increments(a, 'k1', 3);
    const beside = a.apply({ pool: 'p', keys: [makeKey({ id: 'k2' })] });
    const first = b.apply({ pool: 'p', keys: [makeKey({ failures: 100 })] });
    const answers = await Promise.all([first, ...later]);
    // Whichever came first, the other has moved on as a whole.
    expect(new Set(answers.slice(1)).size).toBe(1);
    expect(answers[0]).not.toBe(answers[1]);
    expect(await beside).toBe('applied');
    await until(() => contentOf(a) === contentOf(b));
    expect(a.read(pool).key('k1')?.failures).toBe(answers[0] === 'applied' ? 100 : 3);
  });

  test('versions that two replicas count alike are not taken for the same', async () => {
    const [a, b] = await twoReplicas();
    await a.apply({ pool: 'p', keys: [makeKey()] });
    await until(() => b.read(pool).key('k1') !== undefined);
    // Both are at version 1, and both count on to 2 and 3 in one turn.
    const answers = await Promise.all([...increments(a, 'k1', 2), ...increments(b, 'k1', 2)]);
    expect(answers.filter((answer) => answer === 'applied')).toHaveLength(2);
    await until(() => contentOf(a) === contentOf(b));
    expect(a.read(pool).key('k1')).toMatchObject({ version: 3, failures: 2 });
  });

  test('a lease that another replica has ended is not put back by who renews it', async () => {
    const [a, b] = await twoReplicas();
    await a.apply({ pool: 'p', leases: [makeLease()] });
    await until(() => b.read(pool).lease('l1') !== undefined);
    const answers = await Promise.all([
      a.apply({ pool: 'p', ended: ['l1'] }),
      b.apply({ pool: 'p', leases: [makeLease({ expireTime: 99_000 })] }),
    ]);
    expect(answers.toSorted()).toEqual(['applied', 'moved_on']);
    await until(() => contentOf(a) === contentOf(b));
    expect([...a.read(pool).leases()]).toHaveLength(answers[0] === 'applied' ? 0 : 1);
  });

  test('two leases of one limit group are not granted past each other, also where the group has no record yet', async () => {
    const [a, b] = await twoReplicas();
    const answers = await Promise.all([
      a.apply({ pool: 'p', leases: [makeLease({ id: 'a', keyId: 'k1' })] }),
      b.apply({ pool: 'p', leases: [makeLease({ id: 'b', keyId: 'k2' })] }),
    ]);
    expect(answers.toSorted()).toEqual(['applied', 'moved_on']);
  });

  test('one request id on two replicas gets one record', async () => {
    const [a, b] = await twoReplicas();
    const record = (contentHash: string) => ({ pool: 'p', requests: [makeRequest({ contentHash, forgetTime: 9e15 })] });
    const answers = await Promise.all([a.apply(record('a')), b.apply(record('b'))]);
    expect(answers.toSorted()).toEqual(['applied', 'moved_on']);
  });

  test('an answer that rests on a record of a request that comes to nothing is taken again', async () => {
    const [a, b] = await twoReplicas();
    const record = (contentHash: string) => ({ pool: 'p', requests: [makeRequest({ contentHash, forgetTime: 9e15 })] });
    // Each shows its own record first; an empty change stands for an answer that hands out what it shows.
    const answers = await Promise.all([a, b].flatMap((store, n) => [store.apply(record(`${n}`)), store.apply({ pool: 'p' })]));
    expect([answers[1], answers[3]]).toEqual([answers[0], answers[2]]);
    expect(answers.toSorted()).toEqual(['applied', 'applied', 'moved_on', 'moved_on']);
  });

  test('request records whose time has passed are removed from the server, by whoever writes next', async () => {
    const settings = settingsOf(server.at);
    const [a, b] = [await openReplica(settings), await openReplica(settings)];
    await a.apply({ pool: 'p', requests: [makeRequest(), makeRequest({ requestId: 'r2', forgetTime: 9e15 })] });
    await until(() => b.read(pool).request('h', 'r2') !== undefined);
    const stored = () => server.ask('HLEN', `${settings.prefix}:{p}:requests`);
    expect(await stored()).toBe(2);
    await b.apply({ pool: 'p', keys: [makeKey()] });
    await until(async () => (await stored()) === 1);
    expect(await a.apply({ pool: 'p', requests: [makeRequest({ forgetTime: 9e15 })] })).toBe('applied');
  });

  test('whatever replicas change at once, each applied change counts once and all mirrors end alike', async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const settings = settingsOf(server.at);
      const replicas = await Promise.all([openReplica(settings), openReplica(settings), openReplica(settings)]);
      const counted = new Map(KEYS.map((id) => [id, 0]));
      const answers = steps.map(async ({ at, keys, pause }) => {
        for (let turn = 0; turn < pause; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        await untilApplied(replicas[at] as Store, keys);
        for (const id of keys) counted.set(id, (counted.get(id) as number) + 1);
      });
      await Promise.all(answers);
      await until(() => new Set(replicas.map(contentOf)).size === 1);
      const facts = (replicas[0] as Store).read(pool);
      expect(new Map(KEYS.map((id) => [id, facts.key(id)?.failures ?? 0]))).toEqual(counted);
      expect(contentOf(await openReplica(settings))).toEqual(contentOf(replicas[0] as Store));
      await Promise.all(replicas.map((store) => store.close()));
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

const KEYS = ['a', 'b', 'c'];

const step = fc.record({
  at: fc.integer({ min: 0, max: 2 }),
  keys: fc.subarray(KEYS, { minLength: 1 }),
  pause: fc.integer({ min: 0, max: 6 }),
});

/** As a decision is taken: read, change, and again where it moved on. */
async function untilApplied(store: Store, ids: readonly string[]): Promise<void> {
  do {
    await Promise.resolve();
  } while ((await store.apply(incremented(store.read(pool), ids))) !== 'applied');
}

function incremented(facts: Facts, ids: readonly string[]): Change {
  const keys = ids.map((id) => {
    const key = facts.key(id) ?? makeKey({ id });
    return { ...key, failures: key.failures + 1 };
  });
  return { pool: 'p', keys };
}

/** So many changes in one turn, each of what the one before made. */
function increments(store: Store, id: string, times: number) {
  return Array.from({ length: times }, () => store.apply(incremented(store.read(pool), [id])));
}

function contentOf(store: Store): string {
  const facts = store.read(pool);
  const leases = [...facts.leases()].sort((a: Lease, b: Lease) => (a.id < b.id ? -1 : 1));
  const records = ['k1', 'k2', ...KEYS].map((id) => [facts.key(id) ?? null, facts.group(id) ?? null]);
  return JSON.stringify([facts.state, records, leases, facts.request('h', 'r1') ?? null, facts.request('h', 'r2') ?? null]);
}
