import { inspect } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import type { RedisSettings } from '../../src/config/config.ts';
import { revealSecret } from '../../src/config/secret.ts';
import { ClientTlsFiles } from '../../src/config/store-tls.ts';
import { privateKeyOf } from '../../src/config/tls-pair.ts';
import { makeAuthority } from '../support/pki.ts';
import { minimal, mistakesOf, mustBeGood, parse } from './support.ts';

const FILES: Record<string, string> = { 'cut.pem': '-----BEGIN CERTIFICATE-----\nMIIB' };

beforeAll(async () => {
  const authority = await makeAuthority();
  const [own, other] = [await authority.issue(), await authority.issue()];
  Object.assign(FILES, { 'ca.pem': authority.pem, 'cert.pem': own.cert, 'key.pem': own.key, 'other.key': other.key });
});

const reading = (store: string) =>
  parse(minimal({ top: `store: { kind: redis, ${store} }` }), {
    env: { SERVERS: 'servers-password', SENTINELS: 'sentinels-password' },
    readFile: (path) => {
      const text = FILES[path.replace('/etc/keylease/', '')];
      return text === undefined ? { ok: false, problem: 'the file cannot be read: there is no such file' } : { ok: true, text };
    },
  });

const storeOf = (store: string) => mustBeGood(reading(store)).store as RedisSettings;
const SENTINELS = 'sentinels: { name: main, hosts: ["h:26379"]';

test('what is trusted and shown to the servers is read from files', () => {
  const { tls } = storeOf('url: "redis://h", tls: { ca: ca.pem, cert: cert.pem, key: key.pem, server_name: redis.test }');
  expect(tls).toMatchObject({ serverName: 'redis.test', files: { ca: FILES['ca.pem'], cert: FILES['cert.pem'] } });
  expect(privateKeyOf(tls!.files)).toBe(FILES['key.pem']);
});

test.each<{ what: string; store: string; tls: unknown }>([
  { what: 'redis://', store: 'url: "redis://h"', tls: null },
  { what: 'rediss://', store: 'url: "rediss://h"', tls: { serverName: null, files: new ClientTlsFiles(null, null, null) } },
  { what: 'true', store: 'cluster: ["h:1"], tls: true', tls: { serverName: null, files: new ClientTlsFiles(null, null, null) } },
  { what: 'false', store: 'cluster: ["h:1"], tls: false', tls: null },
])('with $what TLS is what it says', ({ store, tls }) => {
  expect(storeOf(store).tls).toEqual(tls);
});

test.each<{ what: string; store: string; isTls: boolean }>([
  { what: 'as the servers do', store: `${SENTINELS} }, tls: { ca: ca.pem }`, isTls: true },
  { what: 'plain text beside servers with TLS', store: `${SENTINELS}, tls: false }, tls: { ca: ca.pem }`, isTls: false },
  { what: 'TLS beside servers without', store: `${SENTINELS}, tls: true }`, isTls: true },
  { what: 'plain text with servers that do', store: `${SENTINELS} }`, isTls: false },
])('Sentinels can speak $what', ({ store, isTls }) => {
  expect(storeOf(store).sentinels?.tls !== null).toBe(isTls);
});

test('Sentinels trust the authority of the servers', () => {
  expect(storeOf(`${SENTINELS} }, tls: { ca: ca.pem }`).sentinels?.tls?.files.ca).toBe(FILES['ca.pem']);
});

test('servers and Sentinels have passwords of their own', () => {
  const store = `${SENTINELS}, username: s, password: { env: SENTINELS } }, username: u, password: { env: SERVERS }`;
  const { username, password, sentinels } = storeOf(store);
  expect([username, revealSecret(password!)]).toEqual(['u', 'servers-password']);
  expect([sentinels?.username, revealSecret(sentinels!.password!)]).toEqual(['s', 'sentinels-password']);
  expect(storeOf(`${SENTINELS} }, password: { env: SERVERS }`).sentinels).toMatchObject({ username: null, password: null });
});

test.each([
  ['a certificate without its key', 'tls: { cert: cert.pem }', 'store.tls.cert: needs key'],
  ['the key of another certificate', 'tls: { cert: cert.pem, key: other.key }', 'store.tls.key: the key is not that of the certificate'],
  [
    'half a certificate',
    'tls: { cert: cut.pem, key: key.pem }',
    'store.tls.cert: the file holds no certificate in PEM, or only a part of it',
  ],
  ['half an authority', 'tls: { ca: cut.pem }', 'store.tls.ca: the file holds no certificates in PEM, or only a part of them'],
])('%s is a mistake that is told with its place', (_, tls, mistake) => {
  expect(mistakesOf(reading(`url: "redis://h", ${tls}`)).map((told) => told.replace(/^\d+:\d+ /, ''))).toEqual([mistake]);
});

test('every way to print the store leaves its private key and passwords out', () => {
  const store = storeOf(`${SENTINELS}, password: { env: SENTINELS } }, password: { env: SERVERS }, tls: { cert: cert.pem, key: key.pem }`);
  const body = privateKeyOf(store.tls!.files)?.split('\n')[1] as string;
  for (const text of [JSON.stringify(store), inspect(store, { depth: null, showHidden: true })])
    for (const secret of [body, 'servers-password', 'sentinels-password']) expect(text).not.toContain(secret);
});
