import { createHmac } from 'node:crypto';
import type { Client } from '@grpc/grpc-js';
import { generateKeyPair, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  AcquireKeyRequest,
  AcquireKeyResponse,
  KeyLeaseServiceService,
  type LeaseStreamResponse,
} from '../../src/generated/keylease/v1/key_lease_service.ts';
import { keyOf } from '../support/app.ts';
import {
  AUDIENCE,
  type AuthApp,
  bearer,
  GUARDED,
  ISSUER,
  makePapers,
  metadataOf,
  type Papers,
  type Shown,
  startWithPapers,
  tlsClient,
} from '../support/auth-app.ts';
import { makeAuthority, uri } from '../support/pki.ts';
import { callAny, type Outcome } from './any-call.ts';
import { type About, MARK_BY_KEY, RPCS, type RpcRow } from './rpc-rows.ts';

const HOUR_S = 3_600;
const WORKER = 'spiffe://acme.test/ns/prod/sa/worker';
const EVERY_RPC = [...RPCS, MARK_BY_KEY];
const poolOf = (id: string) => ({
  id,
  provider: 'anthropic',
  keys: ['a', 'spare'].map((key) => keyOf(key, { secret: `secret-of-${id}-${key}` })),
});

let papers: Papers;
let started: AuthApp;
const clients: Client[] = [];
/** Leases of the worker in the pool that others may use, and in the one that they may not. */
let mine: string;
let hidden: string;
let tokens: Record<'guest' | 'inner' | 'nobody' | 'root' | 'expired' | 'revoked', string>;

beforeAll(async () => {
  papers = await makePapers();
  tokens = {
    guest: papers.addToken('guest'),
    inner: papers.addToken('inner'),
    nobody: papers.addToken('nobody'),
    root: papers.addToken('root'),
    expired: papers.addToken('guest', Date.now() - 1),
    revoked: papers.addToken('guest'),
  };
  papers.removeToken(tokens.revoked);
  started = await startWithPapers(papers, {
    ...GUARDED,
    pools: ['default', 'secret'].map(poolOf),
    // So that what authentication bounds by itself is seen.
    limits: { metadata_bytes: 32_768 },
    access: [
      { holders: [WORKER, 'root', 'jwt:alice'], verbs: ['acquire', 'report', 'mark', 'admin'] },
      { holders: ['inner'], pools: ['secret'], verbs: ['acquire'] },
      { holders: ['guest'], pools: ['default', 'nothere'], verbs: ['acquire', 'report', 'mark', 'admin'] },
    ],
  });
  mine = await leaseOf('default');
  hidden = await leaseOf('secret');
});

afterAll(async () => {
  for (const client of clients) client.close();
  await started.app.close();
  papers.remove();
});

async function workerPapers(): Promise<Shown> {
  return { certificate: await papers.authority.issue({ names: [uri(WORKER)], commonName: 'worker' }) };
}

function clientFor({ certificate }: Shown): Client {
  const client = tlsClient(papers, started.app.addresses[0] as string, certificate);
  clients.push(client);
  return client;
}

function callAs(shown: Shown, { method, request }: RpcRow, about: Partial<About> = {}): Promise<Outcome> {
  return callAny(clientFor(shown), method, request({ pool: 'default', keyId: 'spare', leaseId: mine, ...about }), metadataOf(shown));
}

async function leaseOf(pool: string): Promise<string> {
  const { path, requestSerialize } = KeyLeaseServiceService.acquireKey;
  const worker = clientFor(await workerPapers());
  const answer = await new Promise<AcquireKeyResponse | undefined>((resolve) =>
    worker.makeUnaryRequest(
      path,
      requestSerialize,
      AcquireKeyResponse.decode,
      RPCS[0]!.request({ pool, keyId: '', leaseId: '' }) as never,
      (_, value) => resolve(value),
    ),
  );
  return answer?.lease?.leaseId ?? '';
}

async function statusesOf(shown: Shown, rows: readonly RpcRow[], about: Partial<About> = {}): Promise<Record<string, string>> {
  const outcomes: [string, string][] = [];
  for (const row of rows) outcomes.push([row.name, (await callAs(shown, row, about)).status]);
  return Object.fromEntries(outcomes);
}

const all = (status: string, rows: readonly RpcRow[] = EVERY_RPC) => Object.fromEntries(rows.map(({ name }) => [name, status]));

const jwt = async (claims: object = {}, options: Parameters<Papers['sign']>[1] = {}) => bearer(await papers.sign({ ...claims }, options));
const now = () => Math.floor(Date.now() / 1_000);
const certified = async (...names: string[]): Promise<Shown> => ({
  certificate: await papers.authority.issue({ names: names.map(uri), commonName: WORKER }),
});

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

const ON_POOL = EVERY_RPC.filter(({ names }) => names === 'pool');
const ON_LEASE = EVERY_RPC.filter(({ names, name }) => names === 'lease' && name !== 'revokeLease');

test.each(ON_POOL.map((row) => [row.name, row] as const))(
  '%s: a forbidden pool and an unknown one are answered byte for byte alike',
  async (_, row) => {
    const guest = bearer(tokens.guest);
    const forbidden = await callAs(guest, row, { pool: 'secret' });
    const unknown = await callAs(guest, row, { pool: 'absent' });
    expect(forbidden.status).toBe('PERMISSION_DENIED');
    expect(renamed(unknown, 'absent', 'secret')).toEqual(forbidden);
  },
);

test.each(ON_POOL.map((row) => [row.name, row] as const))('%s: a pool that may be used and is not there is NOT_FOUND', async (_, row) => {
  expect((await callAs(bearer(tokens.guest), row, { pool: 'nothere' })).status).toBe('NOT_FOUND');
});

test('a pool name longer than any pool has is refused before it is compared with patterns; as the claim of a lease it is garbage', async () => {
  const name = 'x'.repeat(64);
  expect(await statusesOf(bearer(tokens.root), ON_POOL, { pool: name })).toEqual(all('INVALID_ARGUMENT', ON_POOL));
  expect(await statusesOf(bearer(tokens.root), ON_LEASE, { leaseId: claiming(name) })).toEqual(all('NOT_FOUND', ON_LEASE));
});

test('calls of one message on a stream are let in each by itself', async () => {
  const { path, requestSerialize, responseDeserialize } = KeyLeaseServiceService.leaseStream;
  const stream = clientFor({}).makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(bearer(tokens.guest)));
  stream.on('error', () => {});
  const statuses = new Map<number, number>();
  const answered = new Promise<void>((resolve) =>
    stream.on('data', ({ replies }: LeaseStreamResponse) => {
      for (const { id, reply } of replies) statuses.set(Number(id), reply?.$case === 'error' ? reply.value.code : 0);
      if (statuses.size === 5) resolve();
    }),
  );
  const pools = ['default', 'secret', 'nothere', 'absent', 'default'];
  const calls = pools.map((pool, id) => ({ id, call: { $case: 'acquireKey', value: AcquireKeyRequest.fromPartial({ pool }) } }));
  stream.write({ calls } as never);
  await answered;
  stream.cancel();
  expect(pools.map((_, id) => statuses.get(id))).toEqual([0, 7, 5, 7, 0]);
});

test('a request id is of its holder: another who sends it gets a lease of its own', async () => {
  const { method, request } = RPCS[0]!;
  const replay = { ...(request({ pool: 'default', keyId: '', leaseId: '' }) as object), requestId: 'r' };
  const acquire = (shown: Shown) =>
    new Promise<AcquireKeyResponse>((resolve) =>
      clientFor(shown).makeUnaryRequest(
        method.path,
        method.requestSerialize,
        AcquireKeyResponse.decode,
        replay,
        metadataOf(shown),
        (_, value) => resolve(value as AcquireKeyResponse),
      ),
    );
  const leases = [await acquire(bearer(tokens.root)), await acquire(bearer(tokens.guest)), await acquire(bearer(tokens.root))];
  expect(leases.map(({ lease }) => lease?.holder)).toEqual(['root', 'guest', 'root']);
  expect(leases[2]?.lease?.leaseId).toBe(leases[0]?.lease?.leaseId);
  expect(leases[1]?.lease?.leaseId).not.toBe(leases[0]?.lease?.leaseId);
});

test.each(ON_LEASE.map((row) => [row.name, row] as const))("%s: another's lease is answered as one that never was", async (_, row) => {
  const guest = bearer(tokens.guest);
  const foreign = await callAs(guest, row, { leaseId: mine });
  const never = await callAs(guest, row, { leaseId: `${mine.slice(0, -4)}AAAA` });
  const garbage = await callAs(guest, row, { leaseId: 'garbage' });
  expect([foreign.status, foreign.message]).toEqual(['NOT_FOUND', 'no such lease']);
  expect(never).toEqual(foreign);
  expect([garbage.status, garbage.message]).toEqual([foreign.status, foreign.message]);
});

test.each(ON_LEASE.map((row) => [row.name, row] as const))(
  '%s: a lease of a forbidden pool and one of no pool are answered alike',
  async (_, row) => {
    const guest = bearer(tokens.guest);
    const forbidden = await callAs(guest, row, { leaseId: hidden });
    const unknown = await callAs(guest, row, { leaseId: claiming('absent') });
    expect(forbidden.status).toBe('PERMISSION_DENIED');
    expect(renamed(unknown, 'absent', 'secret')).toEqual(forbidden);
  },
);

test('the empty pool name is the only one that the holder may use, and never one that it may not', async () => {
  const [acquire] = RPCS;
  expect((await callAs(bearer(tokens.guest), acquire!, { pool: '' })).status).toBe('OK');
  expect((await callAs(bearer(tokens.inner), acquire!, { pool: '' })).status).toBe('OK');
  expect((await callAs(bearer(tokens.nobody), acquire!, { pool: '' })).status).toBe('PERMISSION_DENIED');
});

test.each([[7], [null], [{}], [['secret']]])('an id that claims %j for its pool is no lease', async (pool) => {
  expect(await statusesOf(bearer(tokens.guest), ON_LEASE, { leaseId: claiming(pool) })).toEqual(all('NOT_FOUND', ON_LEASE));
});

test('no token and no JWT was ever logged', async () => {
  const token = await papers.sign();
  await callAs(bearer(token), RPCS[0]!);
  const text = started.lines.join('');
  expect(Object.values(tokens).filter((secret) => text.includes(secret.slice(18)))).toEqual([]);
  expect(text).not.toContain(token.split('.')[2]);
});

/** An id that claims to be of a lease in this pool, which nobody has signed. */
function claiming(pool: unknown): string {
  const told = JSON.stringify([pool, 'a', 'a', '', 'guest', 1, 0, 1, 1]);
  return `kl_${Buffer.concat([Buffer.from(told), Buffer.alloc(32)]).toString('base64url')}`;
}

function renamed({ status, message, bytes }: Outcome, from: string, to: string): Outcome {
  const swapped = bytes.toString('latin1').replaceAll(from, to);
  return { status, message: message.replaceAll(from, to), bytes: Buffer.from(swapped, 'latin1') };
}
