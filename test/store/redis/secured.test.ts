import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { StoreNotOpened } from '../../../src/store/file-errors.ts';
import type { Access, Tls } from '../../../src/store/redis/connection.ts';
import type { Place } from '../../../src/store/redis/primaries.ts';
import { checkUpServers, openRedisStore } from '../../../src/store/redis/redis.ts';
import { ACCESS, RedisServer, redisServer, speaksTls, startCluster, startSentinel, until } from '../../support/redis.ts';
import { makeGroup, makeKey, makeLease, makePool, makeRequest } from '../records.ts';
import { openReplica, settingsOf } from './open.ts';
import { makeSafe, type Safe } from './secured.ts';

const DOCS = readFileSync(new URL('../../../docs/replicas.md', import.meta.url), 'utf8');

/** What the documents give the user `keylease`, after its password. */
const RULE = /^ACL SETUSER keylease on >PASSWORD (.+)$/m.exec(DOCS)?.[1] as string;
const COMMANDS = RULE.split(' ').filter((word) => word.startsWith('+'));
const MORE = { warnings: '+config|get', replicated: '+wait', cluster: '+cluster|keyslot +cluster|slots', database: '+select' };

const isTls = speaksTls();
const EVERYTHING = '~* &* +@all';

const pool = makePool();
const rights = (prefix: string, rule = RULE) => rule.replaceAll('keylease', prefix);

describe.skipIf(!isTls)('servers that ask for certificates and passwords', () => {
  let safe: Safe;
  beforeAll(async () => {
    safe = await makeSafe(`${RULE} ${MORE.warnings} ${MORE.replicated} ${MORE.cluster}`);
  });
  afterAll(() => safe.stop());

  const topologies: {
    name: string;
    start: () => Promise<{ place: Place; stop: () => Promise<unknown> }>;
    durability: 'ack' | 'replicated';
  }[] = [
    {
      name: 'one server',
      durability: 'ack',
      start: async () => {
        const server = await RedisServer.startFor(safe.access, ...safe.args);
        return { place: { kind: 'single', at: server.at }, stop: () => server.stop() };
      },
    },
    {
      name: 'a primary that Sentinels name',
      durability: 'replicated',
      start: async () => {
        const servers = await startSentinel({ secured: safe });
        return { place: { kind: 'sentinel', name: 'main', sentinels: servers.entries }, stop: () => servers.stop() };
      },
    },
    {
      name: 'a Cluster',
      durability: 'replicated',
      start: async () => {
        const servers = await startCluster({ secured: safe });
        return { place: { kind: 'cluster', nodes: servers.entries }, stop: () => servers.stop() };
      },
    },
  ];

  test.each(topologies)('$name: replicas share a pool over TLS, as a user with no more rights than the documents give', async (row) => {
    const { place, stop } = await row.start();
    onTestFinished(async () => void (await stop()));
    const settings = { place, access: safe.user, prefix: 'keylease', durability: row.durability };
    const [a, b] = [await openReplica(settings), await openReplica(settings)];
    expect(await a.apply({ pool: 'p', keys: [makeKey()], leases: [makeLease()] })).toBe('applied');
    await until(() => b.read(pool).lease('l1') !== undefined);
    expect(await checkUpServers(settings)).not.toContainEqual(expect.stringContaining('does not tell its settings'));
  });
});

describe.skipIf(redisServer === null)('the rights that the documents give to the user', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start('--acllog-max-len', '1000');
  });
  afterAll(() => server.stop());

  const addUser = async (rule: string): Promise<{ prefix: string; access: Access }> => {
    const prefix = randomUUID();
    await server.ask('ACL', 'SETUSER', prefix, 'on', '>secret', ...rights(prefix, rule).split(' '));
    return { prefix, access: { ...ACCESS, username: prefix, password: 'secret' } };
  };
  const deniedTo = async (user: string) => {
    const log = (await server.ask('ACL', 'LOG')) as { username: string; object: string }[];
    return log.filter(({ username }) => username === user).map(({ object }) => object);
  };

  /** All that a replica ever asks of a server: also after the server has lost what it had. */
  const live = async (settings: { prefix: string; access: Access }): Promise<void> => {
    const options = settingsOf(server.at, settings);
    const store = await openRedisStore(options);
    onTestFinished(() => store.close());
    await store.serve([pool]);
    const change = { pool: 'p', groups: [makeGroup()], keys: [makeKey()], requests: [makeRequest({ forgetTime: 9e15 })] };
    await store.apply({ ...change, leases: [makeLease(), makeLease({ id: 'l2' })] });
    await store.apply({ pool: 'p', ended: ['l2'] });
    const health: (Error | null)[] = [];
    store.onHealth((cause) => health.push(cause));
    const kept = ['meta', 'versions', 'leases', 'replicas'].map((name) => `${settings.prefix}:{p}:${name}`);
    await server.ask('DEL', ...kept);
    await server.ask('CLIENT', 'KILL', 'USER', settings.prefix);
    await until(() => health.at(-1) === null);
    expect(store.read(pool).lease('l1')).toEqual(makeLease());
    await store.close();
  };

  test('are enough', async () => {
    const user = await addUser(RULE);
    await live(user);
    expect(await deniedTo(user.prefix)).toEqual(['config|get']);
  });

  test.each(COMMANDS)('are not enough without %s', async (command) => {
    const user = await addUser(`${RULE} -${command.slice(1)}`);
    void live(user).catch(() => {});
    await until(async () => (await deniedTo(user.prefix)).includes(command.slice(1)));
  });

  test.each(['&keylease:*', '~keylease:*', '~{keylease}:installation'])('are not enough without %s', async (pattern) => {
    const user = await addUser(RULE.replace(` ${pattern} `, ' '));
    void live(user).catch(() => {});
    await until(async () => (await deniedTo(user.prefix)).some((object) => object.includes(user.prefix)));
  });

  test.each([
    { where: 'for the warnings', more: MORE.warnings, options: {} },
    { where: 'for a database', more: MORE.database, options: { database: 1 } },
  ])('$where more is needed, and then nothing is denied', async ({ more, options }) => {
    const user = await addUser(`${RULE} ${MORE.warnings} ${more}`);
    const settings = settingsOf(server.at, { prefix: user.prefix, access: { ...user.access, ...options } });
    const store = await openRedisStore(settings);
    await store.serve([pool]);
    await store.close();
    expect(await deniedTo(user.prefix)).toEqual([]);
  });

  test('a user with fewer is told what is missing, and where it is listed', async () => {
    const user = await addUser(`${RULE} -info`);
    await expect(openRedisStore(settingsOf(server.at, user))).rejects.toThrow(/NOPERM.*'info'.*What the servers need/s);
  });
});

describe.skipIf(!isTls)('servers that do not let keylease in', () => {
  let safe: Safe;
  let server: RedisServer;
  let plain: RedisServer;
  let elsewhere: Safe;
  beforeAll(async () => {
    [safe, elsewhere] = await Promise.all([makeSafe(EVERYTHING), makeSafe(EVERYTHING)]);
    server = await RedisServer.startFor(safe.access, ...safe.args);
    plain = await RedisServer.start();
  });
  afterAll(async () => {
    await Promise.all([server.stop(), plain.stop()]);
    for (const one of [safe, elsewhere]) one.stop();
  });

  const tls = (more: Partial<Tls>): Partial<Access> => ({ tls: { ...(safe.user.tls as Tls), ...more } });
  const nothing = { cert: undefined, key: undefined };

  test.each<{ what: string; at?: () => RedisServer; access: () => Partial<Access>; says: string }>([
    { what: 'a wrong password', access: () => ({ password: 'not-this-one' }), says: 'see to store.username and store.password' },
    { what: 'another authority', access: () => tls({ ca: elsewhere.authority.pem }), says: 'name that authority in store.tls.ca' },
    { what: 'the authorities of Node', access: () => tls({ ca: undefined }), says: 'name that authority in store.tls.ca' },
    { what: 'another name', access: () => tls({ serverName: 'redis.test' }), says: 'or set store.tls.server_name' },
    { what: 'no certificate', access: () => tls(nothing), says: 'name one in store.tls.cert, and its key in store.tls.key' },
    {
      what: 'a certificate of strangers',
      access: () => tls({ ...(elsewhere.user.tls as Tls), ca: safe.authority.pem }),
      says: 'TLS failed (',
    },
    { what: 'plain text to a server with TLS', access: () => ({ tls: false }), says: 'where it expects TLS, set store.tls' },
    { what: 'TLS to a server of plain text', at: () => plain, access: () => ({}), says: 'leave out store.tls' },
  ])('$what: the operator is told where, what is wrong and what to do, and nothing secret', async ({ at = () => server, access, says }) => {
    const settings = settingsOf(at().at, { access: { ...safe.user, ...access() } });
    const error = await checkUpServers(settings).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(StoreNotOpened);
    const { message } = error as Error;
    expect(message).toContain(`cannot use the server at 127.0.0.1:${at().port} as a store: `);
    expect(message).toContain(says);
    for (const secret of ['not-this-one', 'user-password', 'PRIVATE KEY']) expect(message).not.toContain(secret);
  });

  test('Sentinels that do not let it in are told apart from servers', async () => {
    const servers = await startSentinel({ secured: safe });
    onTestFinished(() => servers.stop());
    const place: Place = { kind: 'sentinel', name: 'main', sentinels: servers.entries };
    const told = (access: Access, name = 'main') => checkUpServers(settingsOf(server.at, { place: { ...place, name }, access }));
    const { sentinels, ...alone } = safe.user;
    const wrong = { ...safe.user, sentinels: { ...sentinels!, password: 'not-this-one' } };
    const sentinel = `the Sentinel at 127.0.0.1:${servers.entries[0]!.port}: `;
    await expect(told(wrong)).rejects.toThrow(
      new RegExp(`${sentinel}WRONGPASS.*see to store.sentinels.username and store.sentinels.password`, 's'),
    );
    await expect(told(alone)).rejects.toThrow(new RegExp(`${sentinel}NOAUTH.*see to store.sentinels.username`, 's'));
    await expect(told(safe.user, 'other')).rejects.toThrow(`${sentinel}it knows no primary called other; see to store.sentinels.name`);
    const another = { ...safe.user, password: 'not-this-one' };
    await expect(told(another)).rejects.toThrow(
      new RegExp(`the primary at 127.0.0.1:${servers.primary.port}: WRONGPASS.*see to store.username`, 's'),
    );
  });

  test('while the store is lost, the log says why it does not come back', async () => {
    const own = await RedisServer.startFor(safe.access, ...safe.args);
    onTestFinished(() => own.stop());
    const access = { ...safe.user };
    const warnings: string[] = [];
    const store = await openReplica(settingsOf(own.at, { access, warn: (warning) => warnings.push(warning) }));
    const health: (Error | null)[] = [];
    store.onHealth((cause) => health.push(cause));
    await own.ask('ACL', 'SETUSER', 'keylease', '<user-password', '>the-next-one');
    await own.ask('CLIENT', 'KILL', 'USER', 'keylease');
    await until(() => warnings.some((warning) => /not back yet: WRONGPASS.*store\.password/.test(warning)));
    Object.assign(access, { password: 'the-next-one' });
    await until(() => health.at(-1) === null);
    expect(await store.apply({ pool: 'p', leases: [makeLease()] })).toBe('applied');
  });
});
