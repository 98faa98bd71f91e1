import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Authenticator } from '../../src/auth/authenticator.ts';
import type { Identified } from '../../src/auth/identity.ts';
import { type JwtSettings, JwtVerifier } from '../../src/auth/jwt.ts';

const START = Date.UTC(2026, 0, 1);
const SECOND_MS = 1_000;
const ISSUER = 'https://issuer.test';

type Key = Awaited<ReturnType<typeof makeKey>>;

let server: Server;
let port = 0;
let fetches = 0;
let answer: (response: ServerResponse) => unknown;
let key: Key;

async function makeKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } };
}

const setOf = (...keys: Key[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
const giving =
  (text: string, status = 200, headers = {}) =>
  (response: ServerResponse) =>
    response.writeHead(status, headers).end(text);

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
  key = await makeKey('one');
  fetches = 0;
  answer = giving(setOf(key));
  server = createServer((_, response) => {
    fetches += 1;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

const settings = (): JwtSettings => ({
  issuer: ISSUER,
  audience: 'keylease',
  algorithms: ['ES256'],
  holderClaim: 'sub',
  keys: { url: `http://127.0.0.1:${port}/jwks` },
});

function jwtOf({ kid, privateKey }: Key, header: object = {}): Promise<string> {
  const now = Date.now() / 1_000;
  const claims = { iss: ISSUER, aud: 'keylease', sub: 'alice', iat: now, exp: now + 3_600, jti: String(Math.random()) };
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(privateKey);
}

/** The holder, or why there is none. */
async function identified(verifier: Pick<JwtVerifier, 'identify'>, by: Key, header: object = {}): Promise<string> {
  const found: Identified = await verifier.identify(await jwtOf(by, header), Date.now());
  return found.ok ? found.holder : found.why;
}

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const UNFETCHED = 'the keys of the issuer cannot be fetched';
const UNSIGNED = 'the JWT is not accepted: no key of the issuer has signed it with an allowed algorithm';

test('the keys are fetched once for many JWTs, and again after ten minutes', async () => {
  const verifier = new JwtVerifier(settings());
  for (let each = 0; each < 5; each += 1) expect(await identified(verifier, key)).toBe('jwt:alice');
  expect(fetches).toBe(1);
  pass(601 * SECOND_MS);
  expect(await identified(verifier, key)).toBe('jwt:alice');
  expect(fetches).toBe(2);
});

test('a new key of the issuer is found, but unknown ones make nobody ask more often than every 30 seconds', async () => {
  const verifier = new JwtVerifier(settings());
  const next = await makeKey('two');
  expect(await identified(verifier, key)).toBe('jwt:alice');
  answer = giving(setOf(next));
  for (let each = 0; each < 5; each += 1) expect(await identified(verifier, next)).toBe(UNSIGNED);
  expect(fetches).toBe(1);
  pass(31 * SECOND_MS);
  expect(await identified(verifier, next)).toBe('jwt:alice');
  expect(await identified(verifier, key)).toBe(UNSIGNED);
  expect(fetches).toBe(2);
});

test('where the keys cannot be fetched, JWTs make nobody ask more often than every 5 seconds', async () => {
  const verifier = new JwtVerifier(settings());
  answer = giving('', 500);
  for (let each = 0; each < 5; each += 1) expect(await identified(verifier, key)).not.toBe('jwt:alice');
  expect(fetches).toBe(1);
  answer = giving(setOf(key));
  pass(5 * SECOND_MS);
  expect(await identified(verifier, key)).toBe('jwt:alice');
});

test('a server of keys that is not there at the start counts once it is', async () => {
  const verifier = new JwtVerifier(settings());
  await new Promise((resolve) => server.close(resolve));
  expect(await identified(verifier, key)).toBe(UNFETCHED);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  pass(5 * SECOND_MS);
  expect(await identified(verifier, key)).toBe('jwt:alice');
});

test.each<[string, () => (response: ServerResponse) => unknown]>([
  ['fails', () => giving(setOf(key), 503)],
  ['leads elsewhere', () => giving('', 302, { location: `http://127.0.0.1:${port}/other` })],
  ['sends no JSON', () => giving('<html>')],
  ['sends JSON that is no set of keys', () => giving('[1]')],
  ['sends more than 256 KiB', () => giving(setOf(key) + ' '.repeat(300 * 1_024))],
  ['sends nothing', () => () => {}],
  ['begins and never ends', () => (response: ServerResponse) => response.writeHead(200).write('{')],
])('where the server of keys %s, nobody is let in', async (_, make) => {
  answer = make();
  expect(await identified(new JwtVerifier(settings(), 200), key)).toMatch(/^the (?:keys of the issuer cannot|JWT is not accepted)/);
  expect(fetches).toBe(1);
});

test('a reload of the same settings asks nobody again, so that JWTs outlast a server of keys that is down', async () => {
  const made = { mtls: null, tokens: null, unix: null, jwt: settings() };
  const credentials = async () => ({ certificate: null, isUnix: false, authorization: [`Bearer ${await jwtOf(key)}`] });
  const first = new Authenticator(made);
  expect((await first.identify(await credentials(), Date.now())).ok).toBe(true);
  answer = giving('', 500);
  const second = new Authenticator({ ...made, jwt: settings() }, first);
  expect((await second.identify(await credentials(), Date.now())).ok).toBe(true);
  const third = new Authenticator({ ...made, jwt: { ...settings(), audience: 'another' } }, second);
  expect((await third.identify(await credentials(), Date.now())).ok).toBe(false);
});

test.each([
  ['a key id that is a path', { kid: '../../../../dev/null' }],
  ['a key id that is a URL', { kid: 'http://127.0.0.1:1/keys' }],
  ['no key id, and the URL of another set', { kid: undefined, jku: 'http://127.0.0.1:1/keys' }],
  ['the URL of another certificate', { x5u: 'http://127.0.0.1:1/cert' }],
  ['its own key', { jwk: {} }],
])('a JWT of a stranger that brings %s is not accepted', async (_, header) => {
  const verifier = new JwtVerifier(settings());
  const stranger = await makeKey('one');
  const own = 'jwk' in header ? { jwk: stranger.jwk } : header;
  expect(await identified(verifier, stranger, own)).toBe(UNSIGNED);
  expect(fetches).toBe(1);
});
