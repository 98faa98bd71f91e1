import { describe, expect, onTestFinished, test } from 'vitest';
import { StoreNotOpened } from '../../../src/store/file-errors.ts';
import { checkServer, type ServerFacts } from '../../../src/store/redis/checkup.ts';
import { openRedisStore } from '../../../src/store/redis/redis.ts';
import { StoreLost } from '../../../src/store/store.ts';
import { ACCESS, RedisServer, redisServer, startSentinel, until } from '../../support/redis.ts';
import { makeKey, makeLease, makePool } from '../records.ts';
import { openReplica, settingsOf } from './open.ts';

describe.skipIf(redisServer === null)('how durable an answer is', () => {
  test('replicated: without another server that has it no answer is given, and what was not answered stays reserved', async () => {
    const servers = await startSentinel();
    onTestFinished(() => servers.stop());
    const settings = settingsOf(servers.primary.at, { durability: 'replicated' });
    const store = await openReplica(settings);
    const health: string[] = [];
    store.onHealth((cause) => health.push(cause === null ? 'back' : 'lost'));
    expect(await store.apply({ pool: 'p', leases: [makeLease()] })).toBe('applied');
    servers.replica.signal('SIGSTOP');
    await expect(store.apply({ pool: 'p', leases: [makeLease({ id: 'l2' })] })).rejects.toThrow(StoreLost);
    expect(() => store.read(makePool())).toThrow(StoreLost);
    servers.replica.signal('SIGCONT');
    await until(() => health.at(-1) === 'back');
    expect([...store.read(makePool()).leases()].map(({ id }) => id).sort()).toEqual(['l1', 'l2']);
    expect(await store.apply({ pool: 'p', keys: [makeKey()] })).toBe('applied');
  });

  test('replicated: a server without another one is refused at once', async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    const store = await openRedisStore(settingsOf(server.at, { durability: 'replicated' }));
    onTestFinished(() => store.close());
    const refused = await store.serve([makePool()]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreLost);
    expect(refused).toMatchObject({ message: expect.stringContaining('no other server took the write in time') });
  });

  test('nobody listens: the operator is told where, and what to do', async () => {
    const server = await RedisServer.start();
    await server.stop();
    const opening = openRedisStore(settingsOf(server.at));
    await expect(opening).rejects.toThrow(StoreNotOpened);
    await expect(opening).rejects.toThrow(
      `cannot use the server at 127.0.0.1:${server.port} as a store: nothing listens there; start the server`,
    );
  });

  test('a password that is wrong, or missing, is told without it', async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    await server.ask('CONFIG', 'SET', 'requirepass', 'the-right-one');
    const open = (password: string | undefined) => openRedisStore(settingsOf(server.at, { access: { ...ACCESS, password } }));
    await expect(open(undefined)).rejects.toThrow('see to store.username and store.password');
    const wrong = await open('the-wrong-one').catch((error: Error) => error);
    expect(wrong).toBeInstanceOf(StoreNotOpened);
    expect(String(wrong)).not.toContain('the-wrong-one');
    await (await open('the-right-one')).close();
  });
});

const SAFE: ServerFacts = {
  version: '7.2.4',
  replicas: 1,
  settings: new Map([
    ['maxmemory', '0'],
    ['maxmemory-policy', 'noeviction'],
    ['appendonly', 'yes'],
    ['min-replicas-to-write', '1'],
  ]),
};

const withSettings = (settings: Record<string, string>): ServerFacts => ({
  ...SAFE,
  settings: new Map([...(SAFE.settings ?? []), ...Object.entries(settings)]),
});

test('a server that is as it should be gives no cause for a word', () => {
  expect(checkServer(SAFE, 'fsync')).toEqual({ problems: [], warnings: [] });
});

test.each([
  { name: 'is too old', facts: { ...SAFE, version: '6.2.14' }, durability: 'ack', word: 'use Redis 7.0, or Valkey, or later' },
  { name: 'is too old for fsync', facts: { ...SAFE, version: '7.0.15' }, durability: 'fsync', word: 'needs Redis 7.2 or Valkey' },
  {
    name: 'keeps no append-only file for fsync',
    facts: withSettings({ appendonly: 'no' }),
    durability: 'fsync',
    word: 'set appendonly yes',
  },
  {
    name: 'leaves its disk to the system for fsync',
    facts: withSettings({ appendfsync: 'no' }),
    durability: 'fsync',
    word: 'set appendfsync always, or everysec',
  },
] as const)('a server that $name cannot be used', ({ facts, durability, word }) => {
  expect(checkServer(facts, durability).problems).toEqual([expect.stringContaining(word)]);
});

test.each([
  {
    name: 'may evict',
    facts: withSettings({ maxmemory: '1000', 'maxmemory-policy': 'allkeys-lru' }),
    word: 'set maxmemory-policy noeviction',
  },
  { name: 'keeps nothing on disk', facts: withSettings({ appendonly: 'no' }), word: 'set appendonly yes' },
  { name: 'writes while cut off', facts: withSettings({ 'min-replicas-to-write': '0' }), word: 'set min-replicas-to-write 1' },
  { name: 'tells no settings', facts: { ...SAFE, settings: null }, word: 'see to maxmemory-policy noeviction' },
])('a server that $name can be used, and the operator is told what to change', ({ facts, word }) => {
  expect(checkServer(facts, 'ack')).toEqual({ problems: [], warnings: [expect.stringContaining(word)] });
});
