import { join } from 'node:path';
import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyLeaseServiceService, type LeaseStreamResponse } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { PoolAdminServiceService } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { type ConfigContent, keyOf, onePool } from '../support/app.ts';
import {
  AUDIENCE,
  type AuthApp,
  bearer,
  ISSUER,
  makePapers,
  metadataOf,
  type Papers,
  type Shown,
  startWithPapers,
  writeConfig,
} from '../support/auth-app.ts';
import { callAny } from './any-call.ts';
import { healthClient } from './health.ts';
import { RPCS } from './rpc-rows.ts';

const ABOUT = { pool: 'default', keyId: 'a', leaseId: '' };

let papers: Papers;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  papers = await makePapers();
  cleanups.push(() => papers.remove());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ACCESS = { access: [{ holders: ['**'], verbs: ['acquire', 'admin'] }] };
const TOKENS: ConfigContent = { ...onePool([keyOf('a')]), auth: { tokens: { file: 'tokens.yaml' } }, ...ACCESS };

/** Every way that ends by itself. */
const TIMED: ConfigContent = {
  ...TOKENS,
  auth: {
    tokens: { file: 'tokens.yaml' },
    jwt: { issuer: ISSUER, audience: AUDIENCE, jwks_file: 'jwks.json', algorithms: ['ES256'] },
  },
};

async function started(config: ConfigContent): Promise<AuthApp> {
  const auth = await startWithPapers(papers, config);
  cleanups.push(() => auth.app.close());
  return auth;
}

function clientOf(address: string): Client {
  const client = new Client(address, ChannelCredentials.createInsecure());
  cleanups.push(() => client.close());
  return client;
}

async function statusAt(address: string | null, name: string, shown: Shown = {}): Promise<string> {
  const row = RPCS.find((each) => each.name === name)!;
  return (await callAny(clientOf(address ?? ''), row.method, row.request(ABOUT), metadataOf(shown))).status;
}

test('whoever opens the unix socket is its holder; over TCP nobody is', async () => {
  const config = {
    ...onePool([keyOf('a')]),
    auth: { unix: { holder: 'sidecar' } },
    access: [{ holders: ['sidecar'], verbs: ['acquire'] }],
  };
  const { app } = await started({ ...config, listen: [`unix:${join(papers.folder, 'a.sock')}`, '127.0.0.1:0'] });
  const [unix, tcp] = app.addresses;
  expect(await statusAt(unix!, 'acquireKey')).toBe('OK');
  expect(await statusAt(unix!, 'listPools')).toBe('PERMISSION_DENIED');
  expect(await statusAt(tcp!, 'acquireKey')).toBe('UNAUTHENTICATED');
});

test('a bad token over the unix socket is not made good by it', async () => {
  const config = {
    ...TOKENS,
    auth: { tokens: { file: 'tokens.yaml' }, unix: { holder: 'sidecar' } },
    listen: `unix:${join(papers.folder, 'a.sock')}`,
  };
  const { app } = await started(config);
  expect(await statusAt(app.addresses[0]!, 'acquireKey', bearer('klt_abcdefgh_x'))).toBe('UNAUTHENTICATED');
});

test('with admin_listen operators are served there, and nowhere else; health everywhere', async () => {
  const { app } = await started({ ...onePool([keyOf('a')]), admin_listen: '127.0.0.1:0' });
  const [address] = app.addresses;
  expect(await statusAt(address!, 'acquireKey')).toBe('OK');
  expect(await statusAt(address!, 'listPools')).toBe('UNIMPLEMENTED');
  expect(await statusAt(app.adminAddress, 'listPools')).toBe('OK');
  expect(await statusAt(app.adminAddress, 'acquireKey')).toBe('UNIMPLEMENTED');
});

test('health stays open where calls need a token', async () => {
  const { app } = await started(TOKENS);
  const health = healthClient(app.addresses[0]!);
  expect(await statusAt(app.addresses[0]!, 'acquireKey')).toBe('UNAUTHENTICATED');
  expect(await health.check('')).toBe('SERVING');
});

test('a stream that is open hears of the revocation at its next call', async () => {
  const token = papers.addToken('worker');
  const { app } = await started(TOKENS);
  const { path, requestSerialize, responseDeserialize } = KeyLeaseServiceService.leaseStream;
  const stream = clientOf(app.addresses[0]!).makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(bearer(token)));
  stream.on('error', () => {});
  const row = RPCS.find(({ name }) => name === 'leaseStream')!;
  const next = () =>
    new Promise<number>((resolve) => {
      stream.once('data', ({ replies }: LeaseStreamResponse) =>
        resolve(replies[0]?.reply?.$case === 'error' ? replies[0].reply.value.code : 0),
      );
      stream.write(row.request(ABOUT) as never);
    });
  expect(await next()).toBe(0);
  papers.removeToken(token);
  await app.reload();
  expect(await next()).toBe(16);
  stream.cancel();
});

test.each([
  ['whose token is revoked', 16, (token: string) => papers.removeToken(token)],
  ['whose grant is gone', 7, () => writeConfig(papers, { ...TOKENS, access: [{ holders: ['nobody'], verbs: ['admin'] }] })],
])('a watch of one %s ends with the next news', async (_, code, change) => {
  const token = papers.addToken('operator');
  const { app } = await started(TOKENS);
  const { path, requestSerialize, responseDeserialize } = PoolAdminServiceService.watchKeys;
  const stream = clientOf(app.addresses[0]!).makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    { pool: '' },
    metadataOf(bearer(token)),
  );
  const ended = new Promise<number>((resolve) => stream.once('error', (error: Error & { code: number }) => resolve(error.code)));
  await new Promise((resolve) => stream.once('data', resolve));
  change(token);
  await app.reload();
  expect(await ended).toBe(code);
});

test.each([
  ['a token', async () => papers.addToken('operator', Date.now() + 1_500)],
  ['a JWT', () => papers.sign({ exp: Math.floor(Date.now() / 1_000) - 3 })],
])('a watch ends when %s does, though nothing happens', async (_, credential) => {
  const token = await credential();
  const { app } = await started(TIMED);
  const { path, requestSerialize, responseDeserialize } = PoolAdminServiceService.watchKeys;
  const client = clientOf(app.addresses[0]!);
  const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { pool: '' }, metadataOf(bearer(token)));
  const messages: unknown[] = [];
  stream.on('data', (message) => messages.push(message));
  const codes: number[] = [];
  stream.once('error', (error: Error & { code: number }) => codes.push(error.code));
  await expect.poll(() => codes, { timeout: 10_000 }).toEqual([16]);
  expect(messages).toHaveLength(1);
});

test('a call on an open stream is refused once the JWT has expired', async () => {
  const token = await papers.sign({ exp: Math.floor(Date.now() / 1_000) - 3 });
  const { app } = await started(TIMED);
  const { path, requestSerialize, responseDeserialize } = KeyLeaseServiceService.leaseStream;
  const stream = clientOf(app.addresses[0]!).makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(bearer(token)));
  stream.on('error', () => {});
  const row = RPCS.find(({ name }) => name === 'leaseStream')!;
  const codes: number[] = [];
  stream.on('data', ({ replies }: LeaseStreamResponse) => {
    for (const { reply } of replies) codes.push(reply?.$case === 'error' ? reply.value.code : 0);
  });
  const next = async () => {
    stream.write(row.request(ABOUT) as never);
    return codes.at(-1);
  };
  await expect.poll(next, { timeout: 10_000 }).toBe(0);
  await expect.poll(next, { timeout: 10_000 }).toBe(16);
  stream.cancel();
});

test('auth that is turned on by a reload counts for the next call', async () => {
  const { app } = await started(onePool([keyOf('a')]));
  expect(await statusAt(app.addresses[0]!, 'acquireKey')).toBe('OK');
  writeConfig(papers, TOKENS);
  await app.reload();
  expect(await statusAt(app.addresses[0]!, 'acquireKey')).toBe('UNAUTHENTICATED');
});

test('without auth whoever calls is anonymous, whatever it shows', async () => {
  const { app } = await started(onePool([keyOf('a')]));
  expect(await statusAt(app.addresses[0]!, 'acquireKey', bearer('nonsense'))).toBe('OK');
});
