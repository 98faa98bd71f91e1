import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkServers } from '../../../src/cli/doctor/servers.ts';
import type { RedisSettings } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { KNOWN, mustBeGood } from '../../config/support.ts';
import { makeSafe, type Safe } from '../../store/redis/secured.ts';
import { RedisServer, speaksTls } from '../../support/redis.ts';

describe.skipIf(!speaksTls())('keylease doctor asks a server that wants TLS, a certificate and a password', () => {
  let safe: Safe;
  let server: RedisServer;
  beforeAll(async () => {
    safe = await makeSafe('~* &* +@all');
    server = await RedisServer.startFor(safe.access, '--appendonly', 'yes', ...safe.args);
  });
  afterAll(async () => {
    await server.stop();
    safe.stop();
  });

  const check = async (store: object) => {
    const path = join(safe.folder, 'config.json');
    const url = `rediss://127.0.0.1:${server.port}`;
    const whole = {
      kind: 'redis',
      url,
      username: 'keylease',
      password: safe.user.password,
      tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
    };
    const pools = [{ id: 'p', provider: 'anthropic', keys: [{ id: 'a', secret: 'sk' }] }];
    writeFileSync(path, JSON.stringify({ store: { ...whole, ...store }, pools }));
    return checkServers(mustBeGood(await loadConfig(path, {}, KNOWN)).store as RedisSettings);
  };

  test('that is as it should be', async () => {
    expect(await check({})).toEqual([expect.objectContaining({ level: 'fine' })]);
  });

  test.each([
    { what: 'the authority', store: { tls: true }, says: 'name that authority in store.tls.ca' },
    { what: 'the certificate', store: { tls: { ca: 'ca.pem' } }, says: 'name one in store.tls.cert' },
    { what: 'the password', store: { password: 'not-this-one' }, says: 'see to store.username and store.password' },
    { what: 'TLS', store: { url: 'redis://127.0.0.1:PORT', tls: false }, says: 'set store.tls' },
  ])('without $what, and says what to do', async ({ store, says }) => {
    const [finding] = await check(JSON.parse(JSON.stringify(store).replace('PORT', `${server.port}`)));
    expect(JSON.stringify(finding)).toContain(says);
    expect(JSON.stringify(finding)).not.toContain('not-this-one');
  });
});
