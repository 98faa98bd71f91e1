import { expect, test, vi } from 'vitest';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';
import { acquire, type Call, leaseIdOf, type OpenedStream, openStream, release, waitForKey } from './lease-stream-client.ts';

vi.setConfig({ testTimeout: 60_000 });

const MIB = 2 ** 20;
const print = (text: string) => void process.stdout.write(`${text}\n`);
const roomy = onePool([keyOf('a', { max_leases: 1_000_000 })]);

/** How much more memory the process, server and client in one, holds since then. */
function growth() {
  const before = process.memoryUsage.rss();
  return () => Math.round((process.memoryUsage.rss() - before) / MIB);
}

/** Calls that take enough room for what is on the way to be a small part of them. */
const large = (count: number) => Array.from({ length: count }, () => acquire({ affinity: 'a'.repeat(250) }));

/** Sends calls as fast as the stream takes them. */
async function sendAll(stream: OpenedStream, calls: readonly Call[], inMessage: number): Promise<void> {
  for (let n = 0; n < calls.length; n += inMessage) {
    if (!stream.send(...calls.slice(n, n + inMessage))) await stream.drained();
  }
}

test('a hundred thousand calls on one stream are answered once each, in far fewer messages', async () => {
  const { address, admin } = await startTestApp({ config: roomy });
  const stream = openStream(address);
  const grown = growth();
  const started = performance.now();
  const half = 50_000;
  await sendAll(
    stream,
    Array.from({ length: half }, () => acquire()),
    100,
  );
  await stream.received(half);
  const ids = Array.from({ length: half }, (_, n) => leaseIdOf(stream.reply(n + 1)));
  expect(new Set(ids).size).toBe(half);
  expect((await admin.getKey({ keyId: 'a' })).key?.activeLeases).toBe(half);
  await sendAll(stream, ids.map(release), 100);
  await stream.received(2 * half);
  const seconds = (performance.now() - started) / 1_000;
  print(`100,000 calls in ${seconds.toFixed(1)} s, ${stream.messages.length} messages back, ${grown()} MiB more`);
  const kinds = Array.from({ length: half }, (_, n) => stream.reply(half + n + 1)?.$case);
  expect(new Set(kinds)).toEqual(new Set(['releaseLease']));
  expect(stream.count).toBe(2 * half);
  expect(stream.messages.length).toBeLessThan((2 * half) / 10);
  expect(grown()).toBeLessThan(600);
  expect((await admin.getKey({ keyId: 'a' })).key?.activeLeases).toBe(0);
  stream.raw.end();
  expect((await stream.ended()).status).toBe('OK');
});

test('a client that does not read is not read either, and is answered everything once it reads', async () => {
  const { address, admin } = await startTestApp({ config: roomy });
  const stream = openStream(address);
  const grown = growth();
  stream.raw.pause();
  const calls = large(50_000);
  let sent = 0;
  let full = false;
  for (; sent < calls.length && !full; sent += 50) {
    full = !stream.send(...calls.slice(sent, sent + 50));
    if (full) full = (await Promise.race([stream.drained(), quiet(admin)])) === 'quiet';
  }
  expect(full).toBe(true);
  const granted = (await admin.getKey({ keyId: 'a' })).key?.activeLeases ?? 0;
  print(`a client that does not read: ${sent} calls sent before it was held back, ${granted} of them carried out, ${grown()} MiB more`);
  expect(granted).toBeLessThan(12_000);
  expect(grown()).toBeLessThan(300);
  stream.raw.resume();
  await sendAll(stream, calls.slice(sent), 50);
  await stream.received(50_000);
  expect(new Set(Array.from({ length: 50_000 }, (_, n) => leaseIdOf(stream.reply(n + 1)))).size).toBe(50_000);
  expect(stream.count).toBe(50_000);
});

/** Answers once the server has carried out nothing new between one look and the next. */
async function quiet(admin: Awaited<ReturnType<typeof startTestApp>>['admin']): Promise<string> {
  const look = async () => {
    const { key } = await admin.getKey({ keyId: 'a' });
    return JSON.stringify([key?.activeLeases, key?.lastReportTime]);
  };
  let before = await look();
  for (let same = 0; same < 20; ) {
    const now = await look();
    same = now === before ? same + 1 : 0;
    before = now;
  }
  return 'quiet';
}

test('a client that never reads does not hold up a drain beyond its bound', async () => {
  const { address, admin, app } = await startTestApp({ config: { ...roomy, drain_timeout: '1s' } });
  const stream = openStream(address);
  stream.raw.pause();
  const calls = large(50);
  for (let held = false; !held; ) {
    if (!stream.send(...calls)) held = (await Promise.race([stream.drained(), quiet(admin)])) === 'quiet';
  }
  const started = performance.now();
  await app.close();
  const seconds = (performance.now() - started) / 1_000;
  expect(seconds).toBeLessThan(5);
});

test('replies that are large, all of one turn, still fit what a client receives at once', async () => {
  const models = Array.from({ length: 60 }, (_, n) => `a-model-with-the-name-of-a-day-2026-11-24-${n}`);
  const inner = memoryStore();
  let commit = Promise.resolve();
  const store: Store = { ...inner, apply: (change) => Promise.all([inner.apply(change), commit]).then(([applied]) => applied) };
  const { address } = await startTestApp({ store, config: onePool([keyOf('a', { max_leases: 10_000 })], { provider: 'openai' }) });
  const stream = openStream(address);
  const told = { headers: {}, errorBody: '', usage: undefined, requestTime: undefined, responseTime: undefined, inProgress: false };
  const headers = Object.fromEntries(
    ['requests', 'tokens'].flatMap((kind) => [
      [`x-ratelimit-limit-${kind}`, '1000000'],
      [`x-ratelimit-remaining-${kind}`, '999999'],
      [`x-ratelimit-reset-${kind}`, '6ms'],
    ]),
  );
  stream.send(...models.map((model) => acquire({ model })));
  await stream.received(60);
  for (let n = 1; n <= 60; n += 1) {
    stream.send({ $case: 'reportHeaders', value: { ...told, leaseId: leaseIdOf(stream.reply(n)), statusCode: 200, headers } });
  }
  await stream.received(120);
  const teller = acquire({ model: models[0] as string });
  stream.send(teller);
  await stream.received(121);
  const leaseId = leaseIdOf(stream.reply(121));
  const gate = Promise.withResolvers<void>();
  commit = gate.promise;
  const report: Call = { $case: 'reportHeaders', value: { ...told, leaseId, statusCode: 200, inProgress: true } };
  await sendAll(stream, Array<Call>(1_100).fill(report), 100);
  stream.send(acquire({ pool: 'nowhere' }));
  await stream.received(122);
  gate.resolve();
  await Promise.race([stream.received(122 + 1_100), stream.ended()]);
  expect(stream.count).toBe(122 + 1_100);
});

test('ten thousand calls that wait on one stream leave with it', async () => {
  const config = onePool([keyOf('a', { max_leases: 1 })], { waiting: { max_wait: '10m', max_waiters: 10_000 } });
  const { address, admin, leases } = await startTestApp({ config });
  const { lease } = await leases.acquireKey({});
  const stream = openStream(address);
  await sendAll(
    stream,
    Array.from({ length: 10_000 }, () => waitForKey()),
    200,
  );
  const waiting = async () => (await admin.listPools({})).pools[0]?.waiting;
  await expect.poll(waiting, { timeout: 10_000 }).toBe(10_000);
  stream.raw.cancel();
  await expect.poll(waiting, { timeout: 10_000 }).toBe(0);
  await leases.releaseLease({ leaseId: lease?.leaseId ?? '' });
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});
