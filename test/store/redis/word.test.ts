import { describe, expect, onTestFinished, test } from 'vitest';
import type { Endpoint } from '../../../src/store/redis/connection.ts';
import { mostOf, type Place } from '../../../src/store/redis/primaries.ts';
import type { RedisStoreOptions } from '../../../src/store/redis/redis.ts';
import { Word } from '../../../src/store/redis/word.ts';
import { StoreLost } from '../../../src/store/store.ts';
import { Way } from '../../chaos/way.ts';
import { ACCESS, askAt, redisServer, startSentinel, until } from '../../support/redis.ts';
import { makeLease } from '../records.ts';
import { healthOf, openReplica, settingsOf } from './open.ts';

const at = (port: number): Endpoint => ({ host: 'h', port });
const TIMEOUT_MS = 100;
const VALID_MS = 2 * TIMEOUT_MS;

/** A word on the server at port 1, at a time that the test moves; `named` is what most Sentinels say next. */
async function wordOn(named: () => Promise<Endpoint>): Promise<{ word: Word; clock: { now: number } }> {
  const clock = { now: 0 };
  let isFirst = true;
  const ask = () => {
    if (!isFirst) return named();
    isFirst = false;
    return Promise.resolve(at(1));
  };
  return { word: await Word.of(ask, TIMEOUT_MS, () => clock.now), clock };
}

const silent = () => Promise.reject(new Error('nobody answers'));

test('a word counts for two timeouts from when it was asked for', async () => {
  const { word, clock } = await wordOn(silent);
  clock.now = VALID_MS;
  word.check();
  clock.now = VALID_MS + 1;
  expect(() => word.check()).toThrow('most Sentinels do not say whether the server is still the primary');
});

test('it is as young as the question, not the answer', async () => {
  const { word, clock } = await wordOn(() => {
    clock.now = 1_100;
    return Promise.resolve(at(1));
  });
  clock.now = 1_000;
  await word.renew();
  clock.now = 1_000 + VALID_MS;
  word.check();
  clock.now = 1_001 + VALID_MS;
  expect(() => word.check()).toThrow();
});

test.each<{ name: string; after: number; named: () => Promise<Endpoint>; fault: string | null }>([
  { name: 'the same server is named: it goes on', after: 10_000, named: () => Promise.resolve(at(1)), fault: null },
  {
    name: 'another server is named: it is over at once',
    after: 1,
    named: () => Promise.resolve(at(2)),
    fault: 'the Sentinels name another primary, at h:2',
  },
  { name: 'nobody answers, and the last word is young: it goes on', after: VALID_MS, named: silent, fault: null },
  {
    name: 'nobody answers, and the last word is old: it is over',
    after: VALID_MS + 1,
    named: silent,
    fault: 'most Sentinels do not say whether the server is still the primary',
  },
])('$name', async ({ after, named, fault }) => {
  const { word, clock } = await wordOn(named);
  clock.now = after;
  const outcome = await word.renew().then(
    () => null,
    (error: Error) => error.message,
  );
  expect(outcome).toBe(fault);
});

const never = () => new Promise<Endpoint>(() => {});
const says = (port: number) => () => Promise.resolve(at(port));

test.each<{ name: string; answers: (() => Promise<Endpoint>)[]; told: Endpoint | string }>([
  { name: 'the only one decides', answers: [says(1)], told: at(1) },
  { name: 'two of three are most, and one that hangs keeps nobody waiting', answers: [never, says(1), says(1)], told: at(1) },
  { name: 'two of three are most, whoever comes first', answers: [says(2), says(1), says(1)], told: at(1) },
  {
    name: 'one of three does not decide',
    answers: [says(1), silent, silent],
    told: 'of 3 Sentinels no majority names one and the same primary; nobody answers; nobody answers',
  },
  { name: 'half do not decide', answers: [says(1), says(2)], told: 'of 2 Sentinels no majority names one and the same primary' },
  { name: 'where none answers, the fault of each is told', answers: [silent, silent], told: 'nobody answers; nobody answers' },
])('of several Sentinels, $name', async ({ answers, told }) => {
  const most = mostOf(
    answers.map((_, place) => at(place)),
    ({ port }) => (answers[port] as () => Promise<Endpoint>)(),
  );
  expect(await most.catch((error: Error) => error.message)).toEqual(told);
});

describe.skipIf(redisServer === null)('a store behind a Sentinel', () => {
  const settingsBehind = async (): Promise<{
    settings: RedisStoreOptions;
    way: Way;
    servers: Awaited<ReturnType<typeof startSentinel>>;
  }> => {
    const servers = await startSentinel();
    const [sentinel] = servers.entries as [Endpoint];
    const way = await Way.to(sentinel.port);
    onTestFinished(async () => {
      way.close();
      await servers.stop();
    });
    const place: Place = { kind: 'sentinel', name: 'main', sentinels: [{ host: '127.0.0.1', port: way.port }] };
    return { settings: settingsOf(sentinel, { place, access: { ...ACCESS, timeoutMs: 500 } }), way, servers };
  };

  test('that is not reached: nothing is answered, though the primary would take it', async () => {
    const { settings, way } = await settingsBehind();
    const store = await openReplica(settings);
    const health = healthOf(store);
    expect(await store.apply({ pool: 'p', leases: [makeLease()] })).toBe('applied');
    way.become('black hole');
    await until(() => health.length > 0);
    await expect(store.apply({ pool: 'p', leases: [makeLease({ id: 'l2' })] })).rejects.toThrow(StoreLost);
    way.become('fair');
    await until(() => health.length === 2);
    expect(health).toEqual(['lost', 'back']);
    expect(await store.apply({ pool: 'p', leases: [makeLease({ id: 'l2' })] })).toBe('applied');
  });

  test('that names another primary: one who is missed counts as granting for as long as its word was good, and a lease beyond', async () => {
    const { settings, servers } = await settingsBehind();
    const { primary, replica, entries } = servers;
    const store = await openReplica(settings);
    const health = healthOf(store);
    await primary.ask('HSET', `${settings.prefix}:{p}:replicas`, 'ghost', `${store.now()}`);
    await primary.ask('WAIT', '1', '1000');
    // It refuses as long as it does not know enough of the replica.
    await until(async () => (await askAt(entries[0] as Endpoint, 'SENTINEL', 'FAILOVER', 'main')) === 'OK');
    await until(() => health.at(-1) === 'back');
    expect(store.learningPools?.()).toEqual(['p']);
    const [opens, learns] = (await replica.ask('HMGET', `${settings.prefix}:{p}:meta`, 'opens', 'learns')) as [string, string];
    // It opens a second after the epoch began.
    expect(Number(learns) - Number(opens)).toBe(60_000 + 2 * settings.access.timeoutMs - 1_000);
  });
});
