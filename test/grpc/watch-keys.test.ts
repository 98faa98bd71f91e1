import { once } from 'node:events';
import { connect } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { KeyState, UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { PoolAdminServiceService, WatchKeysResponse } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { breakableStore } from '../service/stores.ts';
import { type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';
import { refusalOf, retryMs } from './refusal.ts';

const LONG = { timeout: 10_000, interval: 5 };

/** Everything that a watch is told, as it comes. */
function watch({ admin }: Connection, pool = '') {
  const told: WatchKeysResponse[] = [];
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const over = (async () => {
    for await (const message of admin.watchKeys({ pool }, { signal: controller.signal })) told.push(message);
  })();
  over.catch(() => {});
  const states = () => told.flatMap(({ keys }) => keys.map(({ keyId, state }) => `${keyId} ${state}`));
  return { told, over, states, stop: () => controller.abort() };
}

async function watched(server: Connection, pool = '') {
  const watching = watch(server, pool);
  await expect.poll(() => watching.told.some(({ snapshotComplete }) => snapshotComplete), LONG).toBe(true);
  return watching;
}

function cooldown(keyId: string, ms: number) {
  const target = { $case: 'keyId' as const, value: keyId };
  return { target, reason: UnhealthyReason.UNHEALTHY_REASON_OVERLOADED, cooldown: { seconds: 0, nanos: ms * 1_000_000 } };
}

const { KEY_STATE_AVAILABLE: AVAILABLE, KEY_STATE_COOLDOWN: COOLDOWN, KEY_STATE_DRAINING: DRAINING } = KeyState;

test('a watch begins with every key in the order of the configuration', async () => {
  const ids = Array.from({ length: 450 }, (_, n) => `k${n}`);
  const { told } = await watched(await startTestApp({ config: onePool(ids.map((id) => keyOf(id))) }));
  expect(told.flatMap(({ keys }) => keys.map(({ keyId }) => keyId))).toEqual(ids);
  expect(told.map(({ snapshotComplete }) => snapshotComplete)).toEqual([false, false, true]);
});

test('after that only keys that change are told, with those that share their allowance', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a', { limit_group: 'g' }), keyOf('b', { limit_group: 'g' }), keyOf('c')]) });
  const { told, states } = await watched(server);
  const before = told.length;
  await server.admin.drainKey({ keyId: 'c' });
  await expect.poll(states, LONG).toContain(`c ${DRAINING}`);
  expect(told.slice(before)).toMatchObject([{ keys: [{ keyId: 'c' }], removedKeyIds: [], snapshotComplete: false }]);
  const { lease } = await server.leases.acquireKey({ excludeKeyIds: ['b', 'c'] });
  await server.leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 429, headers: { 'retry-after': '60' } });
  await expect.poll(states, LONG).toContain(`b ${COOLDOWN}`);
  expect(states()).toContain(`a ${COOLDOWN}`);
});

test('an overload of the provider is told of every key', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a'), keyOf('b'), keyOf('c')]) });
  const { told } = await watched(server);
  const { lease } = await server.leases.acquireKey({});
  await server.leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 529, headers: { 'retry-after': '60' } });
  const cooling = () => new Set(told.flatMap(({ keys }) => keys.filter(({ state }) => state === COOLDOWN).map(({ keyId }) => keyId)));
  await expect.poll(cooling, LONG).toEqual(new Set(['a', 'b', 'c']));
});

test('a key that comes back by itself is told when it does', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a'), keyOf('b')]) });
  const { states } = await watched(server);
  await server.leases.markUnhealthy(cooldown('b', 80));
  await expect.poll(states, LONG).toEqual([`a ${AVAILABLE}`, `b ${AVAILABLE}`, `b ${COOLDOWN}`, `b ${AVAILABLE}`]);
});

test('a watch of an unknown pool is NOT_FOUND', async () => {
  const server = await startTestApp();
  const { over } = watch(server, 'nowhere');
  expect(await refusalOf(over)).toMatchObject({
    status: 'NOT_FOUND',
    resourceInfo: { resourceType: 'keylease.v1/pool', resourceName: 'nowhere' },
  });
});

test('a reload tells the keys that are new and those that are gone', async () => {
  const server = await startTestApp({ config: onePool([keyOf('stays'), keyOf('goes')]) });
  const { told } = await watched(server);
  server.rewriteConfig(onePool([keyOf('stays'), keyOf('comes')]));
  await server.admin.reloadConfig({});
  await expect.poll(() => told.flatMap(({ removedKeyIds }) => removedKeyIds), LONG).toEqual(['goes']);
  expect(told.at(-1)?.keys.map(({ keyId }) => keyId)).toEqual(['stays', 'comes']);
});

test('a key that was in cooldown when it left the configuration is told of no more', async () => {
  const server = await startTestApp({ config: onePool([keyOf('stays'), keyOf('goes')]) });
  const { told, states } = await watched(server);
  await server.leases.markUnhealthy(cooldown('goes', 60));
  await expect.poll(states, LONG).toContain(`goes ${COOLDOWN}`);
  server.rewriteConfig(onePool([keyOf('stays')]));
  await server.admin.reloadConfig({});
  await expect.poll(() => told.at(-1)?.removedKeyIds, LONG).toEqual(['goes']);
  const after = told.length;
  await server.leases.markUnhealthy(cooldown('stays', 120));
  await expect.poll(() => states().slice(-2), LONG).toEqual([`stays ${COOLDOWN}`, `stays ${AVAILABLE}`]);
  expect(told.slice(after)).toHaveLength(2);
});

/** A watch by hand: nothing is read before `read`, which hands on each message, and `cut` takes the connection away. */
function watchOverHttp2(address: string) {
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const { path } = PoolAdminServiceService.watchKeys;
  const call = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
  call.on('error', () => {});
  call.end(Buffer.alloc(5));
  const read = (told: (message: WatchKeysResponse) => void) => {
    let rest = Buffer.alloc(0);
    call.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      for (let size = sizeOf(rest); rest.length >= size; size = sizeOf(rest)) {
        told(WatchKeysResponse.decode(rest.subarray(5, size)));
        rest = rest.subarray(size);
      }
    });
  };
  return { answered: once(call, 'response'), read, cut: () => session.destroy() };
}

/** What the first message takes with its prefix. */
function sizeOf(bytes: Buffer): number {
  return bytes.length < 5 ? 5 : 5 + bytes.readUInt32BE(1);
}

test('changes that come faster than they are read are merged, and the last state of each key arrives', async () => {
  const ids = Array.from({ length: 200 }, (_, n) => `k${n}-${'x'.repeat(50)}`);
  const server = await startTestApp({ config: onePool(ids.map((id) => keyOf(id, { limit_group: 'g' }))) });
  const { answered, read } = watchOverHttp2(server.address);
  await answered;
  const rounds = 60;
  for (let round = 0; round < rounds; round += 1) {
    const { lease } = await server.leases.acquireKey({});
    await server.leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 429, headers: { 'retry-after': String(100 + round) } });
    await server.admin.markHealthy({ keyId: ids[0]! });
  }
  await server.admin.drainKey({ keyId: ids[199]! });
  const last = new Map<string, number>();
  let messages = 0;
  read(({ keys }) => {
    messages += 1;
    for (const { keyId, state } of keys) last.set(keyId, state);
  });
  await expect.poll(() => last.get(ids[199]!), LONG).toBe(DRAINING);
  expect(new Set(last.values())).toEqual(new Set([AVAILABLE, DRAINING]));
  expect(last.size).toBe(200);
  expect(messages).toBeLessThan(rounds);
});

test.each(['says so', 'vanishes'])('a client that goes away and %s is forgotten: changes are looked up for nobody', async (how) => {
  let reads = 0;
  const inner = memoryStore();
  const store: Store = {
    ...inner,
    read(pool) {
      reads += 1;
      return inner.read(pool);
    },
  };
  const server = await startTestApp({ store });
  const readsOfChange = async () => {
    reads = 0;
    await server.admin.enableKey({ keyId: 'a' });
    await new Promise(setImmediate);
    return reads;
  };
  const withoutWatch = await readsOfChange();
  const leave = how === 'vanishes' ? await cutter(server.address) : (await watched(server)).stop;
  expect(await readsOfChange()).toBeGreaterThan(withoutWatch);
  leave();
  await expect.poll(readsOfChange, LONG).toBe(withoutWatch);
});

async function cutter(address: string) {
  const { answered, cut } = watchOverHttp2(address);
  await answered;
  return cut;
}

test('a watch that is opened while the store is lost is UNAVAILABLE', async () => {
  const { store, breakDisk, mendDisk } = breakableStore();
  const server = await startTestApp({ store });
  breakDisk();
  await refusalOf(server.leases.acquireKey({}));
  const refused = await refusalOf(watch(server).over);
  expect(refused).toMatchObject({ status: 'UNAVAILABLE', errorInfo: { reason: 'STORE_LOST' } });
  expect(retryMs(refused)).toBe(1_000);
  mendDisk();
});

test('a watch that is open when the store is lost ends with UNAVAILABLE once there is something to tell', async () => {
  const { store, breakDisk, mendDisk } = breakableStore();
  const server = await startTestApp({ store });
  const { over, states } = await watched(server);
  await server.leases.markUnhealthy(cooldown('a', 300));
  await expect.poll(states, LONG).toContain(`a ${COOLDOWN}`);
  breakDisk();
  await refusalOf(server.admin.enableKey({ keyId: 'a' }));
  expect(await refusalOf(over)).toMatchObject({ status: 'UNAVAILABLE', errorInfo: { reason: 'STORE_LOST' } });
  mendDisk();
});
