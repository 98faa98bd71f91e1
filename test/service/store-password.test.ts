import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyOf, onePool, startTestApp } from '../support/app.ts';
import { ACCESS, RedisServer, redisServer, until } from '../support/redis.ts';

describe.skipIf(redisServer === null)('the password of the store is renewed', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.startFor({ ...ACCESS, password: 'admin' }, '--requirepass', 'admin');
  });
  afterAll(() => server.stop());

  const start = async () => {
    const user = randomUUID();
    await server.ask('ACL', 'SETUSER', user, 'on', '>old', '~*', '&*', '+@all');
    const configWith = (password: string, more = {}) => ({
      ...onePool([keyOf('a')]),
      store: { kind: 'redis', url: `redis://127.0.0.1:${server.port}`, prefix: user, username: user, password, ...more },
    });
    const app = await startTestApp({ config: configWith('old') });
    const told = (text: string) => app.log.filter(({ msg }) => String(msg).includes(text));
    /** The server takes the new password alone, and every connection is lost. */
    const swap = async () => {
      await server.ask('ACL', 'SETUSER', user, '<old', '>new');
      await server.ask('CLIENT', 'KILL', 'USER', user);
    };
    return { ...app, user, configWith, told, swap };
  };

  test('a reload takes it into use, and whoever connects from then on has it', async () => {
    const app = await start();
    app.rewriteConfig(app.configWith('new'));
    expect(await app.app.reload()).toMatchObject({ ok: true });
    expect(app.told('at the next start')).toEqual([]);
    await app.swap();
    await until(() => app.told('the store is back').length > 0);
    expect((await app.leases.acquireKey({})).lease?.keyId).toBe('a');
    expect(app.told('WRONGPASS')).toEqual([]);
  });

  test('without one the log says once what is wrong, and a reload brings the store back', async () => {
    const app = await start();
    await app.swap();
    await until(() => app.told('the store is not back yet: WRONGPASS').length > 0);
    app.rewriteConfig(app.configWith('new'));
    await app.app.reload().catch(() => {});
    await until(() => app.told('the store is back').length > 0);
    expect(app.told('WRONGPASS')).toHaveLength(1);
  });

  test('beside any other change of the store it waits for the next start, which the log says', async () => {
    const app = await start();
    app.rewriteConfig(app.configWith('new', { timeout: '5s' }));
    await app.app.reload();
    expect(app.told('store has changed: this takes effect at the next start')).toHaveLength(1);
    await app.swap();
    await until(() => app.told('the store is not back yet: WRONGPASS').length > 0);
  });
});
