import { expect, onTestFinished, test, vi } from 'vitest';
import { createKeyLease, HostNotAllowed, type KeyLeaseOptions, type LeasedFetchOptions, leasedFetch } from '../../src/client/index.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';

const URL_OF_POOL = 'https://api.anthropic.com/v1/messages';
const PLACEHOLDERS = { 'x-api-key': 'unused', authorization: 'Bearer unused', 'anthropic-version': '2020-01-01' };
const ASKED = { method: 'POST', headers: PLACEHOLDERS, body: '{"model":"claude-sonnet-5","max_tokens":9}' };

/** A request as a provider would have got it. */
interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly redirect: string | undefined;
}

/** A `fetch` that sends nothing: it keeps what it got and answers in turn. */
function recorder(...answers: readonly (() => Response)[]) {
  const sent: Sent[] = [];
  const send: typeof fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    sent.push({ url, headers: Object.fromEntries(new Headers(init?.headers)), redirect: init?.redirect });
    return (answers[sent.length - 1] ?? (() => Response.json({})))();
  };
  return { sent, send };
}

async function program(
  options: LeasedFetchOptions & { pool?: string } = {},
  client: Partial<KeyLeaseOptions> = {},
  pool = {},
  limits = {},
) {
  const keysOfPool = [keyOf('a', { limits }), keyOf('b', { limits })];
  const app = await startTestApp({ config: onePool(keysOfPool, { strategy: 'fill_first', ...pool }) });
  const keys = createKeyLease({ address: app.address, ...client });
  onTestFinished(() => keys.close());
  const active = async () => (await app.admin.listPools({})).pools[0]!.activeLeases;
  return {
    app,
    keys,
    call: leasedFetch(keys, options),
    settled: () => vi.waitUntil(async () => (await active()) === 0, { timeout: 10_000 }),
  };
}

const redirectTo =
  (location: string, status = 307) =>
  () =>
    new Response(null, { status, headers: { location } });

test('the key takes the place of what the SDK was given, and what the SDK says beside it stays', async () => {
  const { sent, send } = recorder();
  const { call } = await program({ fetch: send });
  await (await call(URL_OF_POOL, ASKED)).text();
  expect(sent).toEqual([
    { url: URL_OF_POOL, headers: { 'x-api-key': 'secret-of-a', 'anthropic-version': '2020-01-01' }, redirect: 'manual' },
  ]);
});

test.each<[string, string, LeasedFetchOptions]>([
  ['the host of the pool', URL_OF_POOL, {}],
  ['a host that is named', 'https://gateway.example/v1/messages', { hosts: ['gateway.example'] }],
  ['a host with its port', 'https://gateway.example:8443/v1/messages', { hosts: ['gateway.example:8443'] }],
  ['an origin', 'http://gateway.internal/v1/messages', { hosts: ['http://gateway.internal'] }],
  ['this machine', 'http://127.0.0.1:9000/v1/messages', { hosts: ['127.0.0.1:9000'] }],
])('the key goes to %s', async (_name, url, options) => {
  const { sent, send } = recorder();
  const { call } = await program({ ...options, fetch: send });
  await (await call(url, ASKED)).text();
  expect(sent.map(({ headers }) => headers['x-api-key'])).toEqual(['secret-of-a']);
});

test.each<[string, string, LeasedFetchOptions]>([
  ['another host', 'https://evil.example/v1/messages', {}],
  ['a host below', 'https://api.anthropic.com.evil.example/v1/messages', {}],
  ['the host without encryption', 'http://api.anthropic.com/v1/messages', {}],
  ['another port', 'https://api.anthropic.com:8443/v1/messages', {}],
  ['the host of the pool where others are named', URL_OF_POOL, { hosts: ['gateway.example'] }],
  ['a host that is named, without encryption', 'http://gateway.example/v1/messages', { hosts: ['gateway.example'] }],
  ['any host where none is named', URL_OF_POOL, { hosts: [] }],
  ['a host whose user looks like it', 'https://api.anthropic.com@evil.example/', {}],
])('the key does not go to %s, and no lease stays', async (_name, url, options) => {
  const { sent, send } = recorder();
  const { call, settled } = await program({ ...options, fetch: send });
  await expect(call(url, ASKED)).rejects.toThrow(HostNotAllowed);
  expect(sent).toEqual([]);
  await settled();
});

test('where the pool names its provider, its host is the one', async () => {
  const { sent, send } = recorder();
  const { call } = await program({ fetch: send }, {}, { base_url: 'https://gateway.example/anthropic' });
  await (await call('https://gateway.example/anthropic/v1/messages', ASKED)).text();
  await expect(call(URL_OF_POOL, ASKED)).rejects.toThrow(/meant for https:\/\/gateway\.example, not for https:\/\/api\.anthropic\.com/);
  expect(sent).toHaveLength(1);
});

test('a redirect within the allowed hosts is followed with the key', async () => {
  const { sent, send } = recorder(redirectTo('/v2/messages', 308));
  const { call } = await program({ fetch: send });
  expect((await call(URL_OF_POOL, ASKED)).status).toBe(200);
  expect(sent.map(({ url, headers }) => [url, headers['x-api-key']])).toEqual([
    [URL_OF_POOL, 'secret-of-a'],
    ['https://api.anthropic.com/v2/messages', 'secret-of-a'],
  ]);
});

test.each(['https://evil.example/', '//evil.example/', 'http://api.anthropic.com/v1/messages'])(
  'a redirect to %s is handed to the caller',
  async (location) => {
    const { sent, send } = recorder(redirectTo(location));
    const { call, settled } = await program({ fetch: send });
    const response = await call(URL_OF_POOL, ASKED);
    expect([response.status, response.headers.get('location')]).toEqual([307, location]);
    expect(sent).toHaveLength(1);
    await settled();
  },
);

test('redirects that never end are followed a few times', async () => {
  const { sent, send } = recorder(...Array(20).fill(redirectTo(URL_OF_POOL)));
  const { call } = await program({ fetch: send });
  expect((await call(URL_OF_POOL, ASKED)).status).toBe(307);
  expect(sent).toHaveLength(6);
});

test.each<[RequestInit['redirect'], RegExp | null]>([
  ['manual', null],
  ['error', /answered a redirect/],
])('a program that wants redirects %s gets them so', async (redirect, thrown) => {
  const { sent, send } = recorder(redirectTo('/v2/messages'), redirectTo('/v2/messages'));
  const { call } = await program({ fetch: send, retry: false });
  const outcome = await call(URL_OF_POOL, { ...ASKED, redirect: redirect! }).then(({ status }) => status, String);
  expect(String(outcome)).toMatch(thrown ?? /307/);
  expect(sent).toHaveLength(1);
});

test('a body that is a stream is neither read nor sent twice', async () => {
  const pulled = vi.fn();
  const body = new ReadableStream({ pull: pulled }, { highWaterMark: 0 });
  const { sent, send } = recorder(() => new Response('', { status: 500 }));
  const { call } = await program({ fetch: send });
  expect((await call(URL_OF_POOL, { ...ASKED, body, duplex: 'half' })).status).toBe(500);
  expect(pulled).not.toHaveBeenCalled();
  expect(sent).toHaveLength(1);
});

test('a Request is taken, too', async () => {
  const { sent, send } = recorder();
  const { call } = await program({ fetch: send });
  await (await call(new Request(URL_OF_POOL, { headers: { 'x-api-key': 'unused', accept: 'x/y' } }))).text();
  expect(sent.map(({ headers }) => headers)).toEqual([{ 'x-api-key': 'secret-of-a', 'anthropic-version': '2023-06-01', accept: 'x/y' }]);
});

test('the program may change what was read from the request', async () => {
  const { sent, send } = recorder();
  const asking = (options: LeasedFetchOptions) => program({ fetch: send, ...options }, {}, {}, { output_tokens: 5 });
  const { call } = await asking({ demand: (read) => ({ ...read, outputTokens: 5 }) });
  expect((await call(URL_OF_POOL, ASKED)).status).toBe(200);
  const { call: unchanged } = await asking({});
  await expect(unchanged(URL_OF_POOL, ASKED)).rejects.toMatchObject({ reason: 'DEMAND_EXCEEDS_LIMIT' });
  expect(sent).toHaveLength(1);
});

test.each([
  ['the header that the SDK uses', { 'x-api-key': 'unused' }, 'x-api-key', 'spare'],
  ['a bearer token where the SDK uses none', {}, 'authorization', 'Bearer spare'],
])('the fallback key goes in %s', async (_name, headers, name, value) => {
  const { sent, send } = recorder();
  const { app, call } = await program({ fetch: send }, { fallback: { key: 'spare' } });
  await app.app.close();
  await (await call('https://anywhere.example/', { ...ASKED, headers })).text();
  expect(sent.map((each) => each.headers)).toEqual([{ [name]: value }]);
});

test('a caller that has left already neither leases nor calls', async () => {
  const { sent, send } = recorder();
  const { call, keys } = await program({ fetch: send });
  await expect(call(URL_OF_POOL, { ...ASKED, signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left');
  expect(sent).toEqual([]);
  expect(keys.stats().active).toBe(0);
});
