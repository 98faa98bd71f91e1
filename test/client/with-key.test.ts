import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKeyLease, type KeyLeaseOptions, KeyLeaseRefused, KeyLeaseUnavailable, type LeasedKey } from '../../src/client/index.ts';
import { reportOfError, reportOfValue } from '../../src/client/outcome.ts';
import { keyOf, onePool, startTestApp, type TestApp } from '../support/app.ts';

const TWO_KEYS = onePool([keyOf('a'), keyOf('b')], { strategy: 'fill_first' });
const ONE_LEASE = onePool([keyOf('a', { max_leases: 1 })]);

async function clientOf(config = TWO_KEYS, options: Partial<KeyLeaseOptions> = {}) {
  const app = await startTestApp({ config });
  const client = createKeyLease({ address: app.address, ...options });
  onTestFinished(() => client.close());
  return { app, client };
}

/** A call that used its key. */
const withSecret =
  <T>(value: T) =>
  (key: LeasedKey) =>
    key.secret === '' ? Promise.reject(new Error('no secret')) : Promise.resolve(value);

const keyStatus = async ({ admin }: TestApp, keyId = 'a') => (await admin.getKey({ keyId })).key!;
const active = async (app: TestApp) => (await keyStatus(app)).activeLeases;
const settled = (app: TestApp) => vi.waitUntil(async () => (await active(app)) === 0, { timeout: 10_000 });

test('the call gets the key and its headers, and the program what the call returned', async () => {
  const { client } = await clientOf();
  const seen = await client.withKey('default', {}, (key) => ({ id: key.id, secret: key.secret, headers: key.headers, url: key.baseUrl }));
  expect(seen).toEqual({
    ...{ id: 'a', secret: 'secret-of-a', url: 'https://api.anthropic.com' },
    headers: { 'x-api-key': 'secret-of-a', 'anthropic-version': '2023-06-01' },
  });
});

test('no way to print a key shows its secret', async () => {
  const { client } = await clientOf();
  const printed = await client.withKey('default', {}, (key) => [inspect(key, { showHidden: true }), JSON.stringify(key), `${key}`].join());
  expect(printed).toBe('[key a],"[key a]",[key a]');
});

const USED = { status: 200, usage: { inputTokens: 3, outputTokens: 4 } };

test.each([
  ['an SDK', { usage: { input_tokens: 3, output_tokens: 4 } }, USED],
  ['axios', { status: 200, data: { usage: { prompt_tokens: 3, completion_tokens: 4 } } }, USED],
  ['a program that tells nothing', 'text', { status: 200 }],
  ['a program that tells a status', { status: 404, headers: { date: 'now' } }, { status: 404, headers: { date: 'now' } }],
])('what %s returns is a report', async (_name, value, report) => {
  expect(reportOfValue(value)).toEqual(report);
});

test.each([
  [
    'an SDK throws is a report',
    Object.assign(new Error(), { status: 429, headers: { date: 'now' }, error: { type: 'x' } }),
    { status: 429, headers: { date: 'now' }, errorBody: '{"type":"x"}' },
  ],
  ['is thrown without a status is a call without a response', new TypeError('fetch failed'), { status: 0 }],
  [
    'an abort throws is no fault of the provider, and counts as expected',
    new DOMException('left', 'AbortError'),
    { status: 499, usage: { inputTokens: 7, outputTokens: 0 } },
  ],
])('what %s', (_name, error, report) => {
  expect(reportOfError(error, false, { inputTokens: 7 })).toEqual(report);
});

test('what a call returned is given to the program, and reported', async () => {
  const value = { usage: { input_tokens: 3, output_tokens: 4 } };
  const { app, client } = await clientOf();
  expect(await client.withKey('default', {}, withSecret(value))).toBe(value);
  await settled(app);
  expect(client.stats()).toMatchObject({ acquired: 1, active: 0 });
  await vi.waitUntil(() => client.stats().reported === 1, { timeout: 10_000 });
});

test('an error of an SDK is reported with its status, and the call is made once more on another key', async () => {
  const { app, client } = await clientOf();
  const used: string[] = [];
  const answer = await client.withKey('default', {}, (key) => {
    used.push(key.secret);
    if (used.length === 1) throw Object.assign(new Error('401'), { status: 401, headers: new Headers(), error: { type: 'x' } });
    return 'answered';
  });
  expect([answer, used]).toEqual(['answered', ['secret-of-a', 'secret-of-b']]);
  expect(client.stats()).toMatchObject({ acquired: 2, retries: 1 });
  expect((await keyStatus(app)).message).toMatch(/401/);
});

test('an error that remains is the one that the second call threw', async () => {
  const { client } = await clientOf();
  let runs = 0;
  const failed = client.withKey('default', {}, (key) => {
    runs += 1;
    throw Object.assign(new Error(key.secret), { status: 500 });
  });
  await expect(failed).rejects.toThrow('secret-of-b');
  expect(runs).toBe(2);
});

test('where no other key has room, the program gets the first answer whole', async () => {
  const { client } = await clientOf(onePool([keyOf('a')]));
  const response = await client.withKey('default', {}, (key) => new Response(`no, ${key.id}`, { status: 500 }));
  expect([response.status, await response.text()]).toEqual([500, 'no, a']);
  expect(client.stats()).toMatchObject({ acquired: 1, retries: 0 });
});

test('no call is made twice where the program does not want it', async () => {
  const { client } = await clientOf();
  let runs = 0;
  const response = await client.withKey({ retry: false }, {}, (key) => {
    runs += 1;
    return new Response(key.id, { status: 500 });
  });
  expect([response.status, runs]).toEqual([500, 1]);
});

test('a call that never looked at its key gives the lease back', async () => {
  const { app, client } = await clientOf();
  const failed = client.withKey('default', {}, () => {
    throw new Error('before the call');
  });
  await expect(failed).rejects.toThrow('before the call');
  await settled(app);
  expect(client.stats()).toMatchObject({ released: 1, reported: 0 });
});

test('a program may report by itself, and hears the advice', async () => {
  const { client } = await clientOf();
  const advice = await client.withKey('default', {}, (key, lease) => lease.report({ status: 529, headers: { 'retry-after': key.secret } }));
  expect(advice).toMatchObject({ action: 'after_delay' });
  expect(client.stats()).toMatchObject({ reported: 1, active: 0 });
});

test('of a lease for several requests, those that were not made are given back', async () => {
  const { app, client } = await clientOf();
  await client.withKey('default', { requests: 3 }, async (key, lease) => {
    await lease.report({ status: 200, headers: { date: key.id } });
  });
  await client.close();
  expect(client.stats()).toMatchObject({ reported: 1, released: 1, active: 0 });
  expect(await active(app)).toBe(0);
});

test.each([400, 404, 422, 529])('a call that met a %i is not made again', async (status) => {
  const { client } = await clientOf();
  let runs = 0;
  const response = await client.withKey('default', {}, (key) => {
    runs += 1;
    return new Response(key.secret, { status });
  });
  expect([response.status, runs]).toEqual([status, 1]);
});

test('a caller that gives up while its call runs is no fault of the key', async () => {
  const { app, client } = await clientOf();
  const leave = new AbortController();
  const call = client.withKey({ signal: leave.signal }, { inputTokens: 5, outputTokens: 5 }, async (key) => {
    leave.abort();
    throw new Error(`gone, ${key.secret.length}`);
  });
  await expect(call).rejects.toThrow('gone, 11');
  await settled(app);
  expect(client.stats()).toMatchObject({ retries: 0, reported: 1 });
});

test('a caller that gives up in line leaves it', async () => {
  const { app, client } = await clientOf(ONE_LEASE);
  const leave = new AbortController();
  const waiting = async () => (await app.admin.listPools({})).pools[0]!.waiting;
  await client.withKey('default', {}, async (key) => {
    const second = client.withKey({ maxWaitMs: 20_000, signal: leave.signal }, {}, () => key.secret);
    await vi.waitUntil(async () => (await waiting()) === 1, { timeout: 10_000 });
    leave.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
  });
  await vi.waitUntil(async () => (await waiting()) === 0, { timeout: 10_000 });
  await settled(app);
});

test('a refusal tells its reason, its numbers, and when to ask again', async () => {
  const { client } = await clientOf(onePool([keyOf('a', { limits: { requests: 1 } })]));
  await client.withKey('default', {}, (key) => key.secret);
  const refused = client.withKey('default', {}, (key) => key.secret);
  await expect(refused).rejects.toThrow(KeyLeaseRefused);
  await expect(refused).rejects.toMatchObject({ reason: 'ALL_KEYS_EXHAUSTED', metadata: { keys: '1' } });
  await expect(refused).rejects.toSatisfy((error: KeyLeaseRefused) => error.retryAfterMs! > 0);
  expect(client.stats()).toMatchObject({ refused: 1 });
});

test('an unknown pool is a refusal, whose text names it', async () => {
  const { client } = await clientOf();
  await expect(client.withKey('typo', {}, () => '')).rejects.toThrow(/no pool "typo"/);
});

test('the fallback key is used only while no server answers, and counted', async () => {
  const { app, client } = await clientOf(TWO_KEYS, { fallback: { key: 'spare', headerName: 'x-api-key' } });
  expect(await client.withKey('default', {}, (key) => key.id)).toBe('a');
  await expect(client.withKey('typo', {}, (key) => key.id)).rejects.toThrow(KeyLeaseRefused);
  await app.app.close();
  const seen = await client.withKey('default', {}, async (key, lease) => [
    key.headers,
    key.isFallback,
    await lease.report({ status: 200 }),
  ]);
  expect(seen).toEqual([{ 'x-api-key': 'spare' }, true, null]);
  expect(client.stats()).toMatchObject({ acquired: 1, refused: 1, unavailable: 1, fallbacks: 1 });
});

test('without a fallback key no call is made while no server answers', async () => {
  const { app, client } = await clientOf();
  await app.app.close();
  const run = vi.fn();
  await expect(client.withKey('default', {}, run)).rejects.toThrow(KeyLeaseUnavailable);
  expect(run).not.toHaveBeenCalled();
});

test('closing delivers what is due', async () => {
  const { app, client } = await clientOf();
  await client.withKey('default', {}, (key) => key.secret);
  await client.close();
  expect(client.stats()).toMatchObject({ reported: 1, reportsDropped: 0, waiting: 0 });
  expect(await active(app)).toBe(0);
});

test('a response that is dropped unread is settled', async () => {
  const { app, client } = await clientOf();
  const gc = globalThis.gc ?? collector();
  const body = () => new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } });
  const drop = async () => void (await client.withKey('default', {}, withSecret(body())));
  await drop();
  expect(client.stats().active).toBe(1);
  await vi.waitUntil(
    () => {
      gc();
      return client.stats().active === 0;
    },
    { timeout: 20_000 },
  );
  await settled(app);
});

/** The garbage collector of this process, which is hidden where it was not asked for at its start. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
