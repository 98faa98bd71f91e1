import { createHmac } from 'node:crypto';
import { generateKeyPair, UnsecuredJWT } from 'jose';
import { expect, test } from 'vitest';
import { AUDIENCE, bearer, ISSUER, type Shown } from '../support/auth-app.ts';
import { makeAuthority, uri } from '../support/pki.ts';
import {
  all,
  callAs,
  certified,
  EVERY_RPC,
  hidden,
  jwt,
  leaseOf,
  now,
  papers,
  started,
  statusesOf,
  tokens,
  useMatrix,
  WORKER,
  workerPapers,
} from './auth-matrix.ts';
import { RPCS, type RpcRow } from './rpc-rows.ts';

useMatrix();

const HOUR_S = 3_600;

/** A JWT whose HMAC key is the public key that everybody can read. */
function signedWithPublicKey(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', kid: 'k1' })}.${part({ iss: ISSUER, aud: AUDIENCE, sub: 'alice', exp: now() + 60 })}`;
  return `${text}.${createHmac('sha256', papers.publicKey).update(text).digest('base64url')}`;
}

const STRANGERS: readonly (readonly [who: string, shown: () => Shown | Promise<Shown>])[] = [
  ['nothing', () => ({})],
  ['an empty authorization', () => ({ authorization: [''] })],
  ['a basic authorization', () => ({ authorization: ['Basic cm9vdDpyb290'] })],
  ['two tokens in one authorization', () => ({ authorization: [`Bearer ${tokens.root}, Bearer ${tokens.root}`] })],
  ['a token without its scheme', () => ({ authorization: [tokens.root] })],
  ['a token cut short', () => bearer(tokens.root.slice(0, -1))],
  ['a token with another secret', () => bearer(tokens.root.slice(0, -2) + (tokens.root.endsWith('AA') ? 'BB' : 'AA'))],
  ['the id of a token under the secret of another', () => bearer(tokens.root.slice(0, 17) + tokens.guest.slice(17))],
  ['a token that has expired', () => bearer(tokens.expired)],
  ['a token that was revoked', () => bearer(tokens.revoked)],
  ['a bad token beside a good certificate', async () => ({ ...(await workerPapers()), ...bearer(tokens.revoked) })],
  ['a JWT for another audience', () => jwt({ aud: 'another' })],
  ['a JWT of another issuer', () => jwt({ iss: 'https://another.test' })],
  ['a JWT that has expired', () => jwt({ iat: now() - 600, exp: now() - 60 })],
  ['a JWT that never expires', () => jwt({ exp: undefined })],
  ['a JWT that lasts 25 hours', () => jwt({ exp: now() + 25 * HOUR_S })],
  ['a JWT that is not good yet', () => jwt({ nbf: now() + 60 })],
  ['a JWT that expires at a text', () => jwt({ exp: String(now() + 60) as never })],
  ['a JWT whose issuer ends in a slash', () => jwt({ iss: `${ISSUER}/` })],
  ['a JWT for a list of others', () => jwt({ aud: ['a', 'b'] })],
  ['a JWT longer than 8192 characters', () => jwt({ more: 'x'.repeat(7_000) })],
  ['a JWT without a holder', () => jwt({ sub: undefined })],
  ['a JWT whose holder is a number', () => jwt({ sub: 7 })],
  ['a JWT signed by another key', async () => jwt({}, { key: (await generateKeyPair('ES256')).privateKey })],
  ['a JWT signed with HS256 and the public key', () => bearer(signedWithPublicKey())],
  [
    'a JWT with alg none',
    () => bearer(new UnsecuredJWT({ sub: 'alice' }).setIssuer(ISSUER).setAudience(AUDIENCE).setExpirationTime('1m').encode()),
  ],
  ['a certificate of another trust domain', () => certified('spiffe://other.test/ns/prod/sa/worker')],
  ['a certificate of a path that is no holder', () => certified('spiffe://acme.test/ns/prod/job/worker')],
  ['a certificate of a path with one segment more', () => certified('spiffe://acme.test/ns/prod/x/sa/worker')],
  ['a certificate with two URI names', () => certified(WORKER, 'spiffe://acme.test/ns/prod/sa/other')],
  ['a certificate whose common name alone is a holder', () => certified()],
  ['a certificate whose URI is not SPIFFE', () => certified('https://acme.test/ns/prod/sa/worker')],
  [
    'a certificate of another authority',
    async () => ({ certificate: await (await makeAuthority('another')).issue({ names: [uri(WORKER)] }) }),
  ],
  [
    'a certificate that has expired',
    async () => ({ certificate: await papers.authority.issue({ names: [uri(WORKER)], validMs: -1_000 }) }),
  ],
];

test.each(STRANGERS)('whoever shows %s is UNAUTHENTICATED, whatever is called', async (_, shown) => {
  expect(await statusesOf(await shown(), EVERY_RPC)).toEqual(all('UNAUTHENTICATED'));
});

test.each<[string, () => Shown | Promise<Shown>]>([
  ['a certificate', workerPapers],
  ['a JWT', () => jwt()],
  ['a JWT for several, that expires within a second', () => jwt({ aud: ['another', AUDIENCE], exp: now() + 60.5 })],
  ['a token', () => bearer(tokens.root)],
])('a holder with every right is let in by %s', async (_, shown) => {
  const rows = EVERY_RPC.filter(({ names }) => names !== 'lease');
  expect(await statusesOf(await shown(), rows)).toEqual(all('OK', rows));
});

test('a certificate of an authority that only has the name of ours does not get past the handshake', async () => {
  const forged = await (await makeAuthority()).issue({ names: [uri(WORKER)] });
  expect((await callAs({ certificate: forged }, RPCS[0]!)).status).toBe('UNAVAILABLE');
});

test('a holder without a grant is PERMISSION_DENIED, whatever is called', async () => {
  expect(await statusesOf(bearer(tokens.nobody), EVERY_RPC)).toEqual(all('PERMISSION_DENIED'));
});

test('a holder with a grant on one pool is PERMISSION_DENIED on another, and on all of them at once', async () => {
  const rows = EVERY_RPC.filter(({ names, name }) => names !== null || name === 'reloadConfig');
  expect(await statusesOf(bearer(tokens.guest), rows, { pool: 'secret', leaseId: hidden })).toEqual(all('PERMISSION_DENIED', rows));
});

test('the same calls on the pool of the grant are let in, but for the leases of others', async () => {
  const isOwn = ({ names, name }: RpcRow) => names === 'pool' || name === 'listPools' || name === 'revokeLease';
  const rows = EVERY_RPC.filter(isOwn);
  expect(await statusesOf(bearer(tokens.guest), rows, { leaseId: await leaseOf('default') })).toEqual(all('OK', rows));
});

test('no token and no JWT was ever logged', async () => {
  const token = await papers.sign();
  await callAs(bearer(token), RPCS[0]!);
  const text = started.lines.join('');
  expect(Object.values(tokens).filter((secret) => text.includes(secret.slice(18)))).toEqual([]);
  expect(text).not.toContain(token.split('.')[2]);
});
