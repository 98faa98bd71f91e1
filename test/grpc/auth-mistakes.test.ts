import type { Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PoolAdminServiceService } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { type ConfigContent, keyOf, onePool } from '../support/app.ts';
import {
  type AuthApp,
  bearer,
  GUARDED,
  makePapers,
  metadataOf,
  type Papers,
  type Shown,
  startWithPapers,
  tlsClient,
  writeConfig,
} from '../support/auth-app.ts';
import { callAny } from './any-call.ts';
import { RPCS } from './rpc-rows.ts';

const ABOUT = { pool: 'default', keyId: 'a', leaseId: '' };
const CONFIG: ConfigContent = { ...onePool([keyOf('a')]), ...GUARDED, access: [{ holders: ['**'], verbs: ['acquire', 'admin'] }] };

let papers: Papers;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  papers = await makePapers();
  cleanups.push(() => papers.remove());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(): Promise<{ auth: AuthApp; client: Client }> {
  const auth = await startWithPapers(papers, CONFIG);
  cleanups.push(() => auth.app.close());
  const client = tlsClient(papers, auth.app.addresses[0] as string);
  cleanups.push(() => client.close());
  return { auth, client };
}

async function acquire(client: Client, shown: Shown): Promise<string> {
  return (await callAny(client, RPCS[0]!.method, RPCS[0]!.request(ABOUT), metadataOf(shown))).status;
}

const BROKEN: readonly (readonly [what: string, file: string, text: string])[] = [
  ['the configuration has a mistake', 'config.yaml', '{ pools: ['],
  ['a certificate is half-written', 'server.pem', '-----BEGIN CERT'],
  ['the keys of the issuer are no JSON', 'jwks.json', '{'],
];

test.each(BROKEN)('while %s, a token that is revoked is refused, and others go on', async (_, file, text) => {
  const [doomed, other] = [papers.addToken('doomed'), papers.addToken('other')];
  const { auth, client } = await started();
  expect(await acquire(client, bearer(doomed))).toBe('OK');
  papers.write(file, text);
  papers.removeToken(doomed);
  await expect.poll(() => acquire(client, bearer(doomed)), { timeout: 10_000 }).toBe('UNAUTHENTICATED');
  expect(await acquire(client, bearer(other))).toBe('OK');
  expect((await auth.app.reload()).ok).toBe(false);
  expect(await acquire(client, bearer(doomed))).toBe('UNAUTHENTICATED');
});

test('a watch of whoever is revoked meanwhile ends too', async () => {
  const doomed = papers.addToken('doomed');
  const { auth, client } = await started();
  const { path, requestSerialize, responseDeserialize } = PoolAdminServiceService.watchKeys;
  const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { pool: '' }, metadataOf(bearer(doomed)));
  const ended = new Promise<number>((resolve) => stream.once('error', (error: Error & { code: number }) => resolve(error.code)));
  await new Promise((resolve) => stream.once('data', resolve));
  papers.write('config.yaml', '{ pools: [');
  papers.removeToken(doomed);
  await auth.app.reload();
  expect(await ended).toBe(16);
});

test('a file of tokens that has a mistake itself changes nothing', async () => {
  const worker = papers.addToken('worker');
  const { auth, client } = await started();
  for (const text of ['- { id: ', '- { id: x }\n', 'nonsense']) {
    papers.write('tokens.yaml', text);
    expect((await auth.app.reload()).ok).toBe(false);
    expect(await acquire(client, bearer(worker))).toBe('OK');
  }
});

test('auth cannot be reloaded away from under an address that other machines reach and the new file no more names', async () => {
  const auth = await startWithPapers(papers, { ...CONFIG, listen: '0.0.0.0:0' });
  cleanups.push(() => auth.app.close());
  const client = tlsClient(papers, (auth.app.addresses[0] as string).replace('0.0.0.0', '127.0.0.1'));
  cleanups.push(() => client.close());
  writeConfig(papers, { ...onePool([keyOf('a')]), listen: '127.0.0.1:0' });
  expect(await auth.app.reload()).toMatchObject({ ok: false, problem: { kind: 'config_mistakes' } });
  expect(await acquire(client, {})).toBe('UNAUTHENTICATED');
});
