import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gatedStore } from '../service/stores.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';
import { healthClient } from './health.ts';
import { refusalOf, retryMs } from './refusal.ts';

const BOUND_MS = 10_000;

test('calls under way are answered, watches end with UNAVAILABLE, and the stop takes no longer than that', async () => {
  const { store, held, open } = gatedStore();
  const { app, leases, admin } = await startTestApp({ store, config: { ...onePool([keyOf('a')]), drain_timeout: `${BOUND_MS}ms` } });
  const watches = Array.from({ length: 3 }, () => {
    const heard = Promise.withResolvers<void>();
    const over = (async () => {
      for await (const _ of admin.watchKeys({})) heard.resolve();
    })();
    return { heard: heard.promise, over };
  });
  await Promise.all(watches.map(({ heard }) => heard));
  const calls = Array.from({ length: 20 }, () => leases.acquireKey({}));
  await expect.poll(held).toBe(20);

  const start = performance.now();
  const closed = app.close();
  for (const { over } of watches) expect((await refusalOf(over)).status).toBe('UNAVAILABLE');
  open();
  expect((await Promise.all(calls)).map(({ credential }) => credential?.secret)).toEqual(calls.map(() => 'secret-of-a'));
  await closed;
  expect(performance.now() - start).toBeLessThan(BOUND_MS / 2);
});

test('a call that comes while the server drains is UNAVAILABLE, and nothing was done for it', async () => {
  const { store, held, open } = gatedStore();
  const { app, leases } = await startTestApp({ store });
  const underWay = leases.acquireKey({});
  await expect.poll(held).toBe(1);
  const closed = app.close();
  const late = await refusalOf(leases.acquireKey({}));
  expect(late.status).toBe('UNAVAILABLE');
  open();
  expect((await underWay).lease?.keyId).toBe('a');
  await closed;
  expect(held()).toBe(1);
});

test('calls that wait in line are UNAVAILABLE at once', async () => {
  const config = onePool([keyOf('a', { max_leases: 1 })]);
  const { app, leases, admin } = await startTestApp({ config });
  await leases.acquireKey({});
  const waiting = refusalOf(leases.acquireKey({ maxWait: { seconds: 20, nanos: 0 } }));
  await expect.poll(async () => (await admin.listPools({})).pools[0]?.waiting).toBe(1);
  const start = performance.now();
  await app.close();
  const refused = await waiting;
  expect(refused).toMatchObject({ status: 'UNAVAILABLE', errorInfo: { reason: 'DRAINING', domain: 'keylease' } });
  expect(retryMs(refused)).toBe(1_000);
  expect(performance.now() - start).toBeLessThan(5_000);
});

test.each(['127.0.0.1:0', `unix:${join(tmpdir(), `keylease-drain-${process.pid}.sock`)}`])(
  'a call on %s that never ends is cut when the bound is over',
  async (listen) => {
    const { store, held } = gatedStore();
    const { app, leases } = await startTestApp({ store, config: { ...onePool([keyOf('a')]), listen, drain_timeout: '100ms' } });
    const call = refusalOf(leases.acquireKey({}));
    await expect.poll(held).toBe(1);
    const start = performance.now();
    await app.close();
    expect(performance.now() - start).toBeGreaterThanOrEqual(95);
    expect((await call).status).not.toBe('OK');
  },
);

test('health says NOT_SERVING from the first moment of a drain on', async () => {
  const { store, held, open } = gatedStore();
  const { app, leases, address } = await startTestApp({ store });
  const { told } = healthClient(address).watch('');
  const call = leases.acquireKey({});
  await expect.poll(held).toBe(1);
  const closed = app.close();
  await expect.poll(() => told).toEqual(['SERVING', 'NOT_SERVING']);
  open();
  await call;
  await closed;
});

test('a client that watches health does not hold up a stop', async () => {
  const { app, address } = await startTestApp({ config: { ...onePool([keyOf('a')]), drain_timeout: `${BOUND_MS}ms` } });
  const { told } = healthClient(address).watch('');
  await expect.poll(() => told).toEqual(['SERVING']);
  const start = performance.now();
  await app.close();
  expect(performance.now() - start).toBeLessThan(BOUND_MS / 2);
});
