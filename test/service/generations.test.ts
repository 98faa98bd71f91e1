import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { KeyState, UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { refusalOf } from '../grpc/refusal.ts';
import { type ConfigContent, keyOf, onePool, startTestApp, type TestApp } from '../support/app.ts';
import { fakeClock } from '../support/clock.ts';

const headers = { 'anthropic-ratelimit-requests-limit': '123', 'anthropic-ratelimit-requests-remaining': '100' };

async function reload({ admin, rewriteConfig }: TestApp, config: ConfigContent) {
  rewriteConfig(config);
  return admin.reloadConfig({});
}

async function report(server: TestApp, excludeKeyIds: string[], told: object) {
  const { lease } = await server.leases.acquireKey({ excludeKeyIds });
  return server.leases.reportHeaders({ leaseId: lease!.leaseId, ...told });
}

test('a reload with mistakes changes nothing', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a'), keyOf('b')]), store: memoryStore({ clock: fakeClock() }) });
  await report(server, ['b'], { statusCode: 200, headers });
  const before = await server.admin.listKeys({});
  expect((await refusalOf(reload(server, onePool([keyOf('new'), keyOf('b', { weight: -1 })])))).status).toBe('INVALID_ARGUMENT');
  expect(await server.admin.listKeys({})).toEqual(before);
  expect((await reload(server, onePool([keyOf('a'), keyOf('b')]))).generation).toBe(2);
});

test('a reload keeps what was learnt about the keys that stay, and the leases on them', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a', { limits: { requests: 5 } }), keyOf('b')]) });
  await report(server, ['b'], { statusCode: 200, headers });
  await server.leases.markUnhealthy({ target: { $case: 'keyId', value: 'a' }, reason: UnhealthyReason.UNHEALTHY_REASON_BILLING });
  const { lease } = await server.leases.acquireKey({});
  await reload(server, onePool([keyOf('c'), keyOf('b', { weight: 7 }), keyOf('a', { limits: { requests: 9 } })]));
  const { keys } = await server.admin.listKeys({});
  expect(keys.map(({ keyId }) => keyId)).toEqual(['c', 'b', 'a']);
  expect(keys[2]).toMatchObject({ state: KeyState.KEY_STATE_UNHEALTHY, limits: [{ limit: 123, source: 2 }] });
  expect(keys[1]).toMatchObject({ weight: 7, activeLeases: 1 });
  expect((await server.leases.renewLease({ leaseId: lease!.leaseId })).lease?.state).toBe(LeaseState.LEASE_STATE_ACTIVE);
});

test('a rotated secret heals its key, is handed out from then on, and evidence about the old one is refused', async () => {
  const server = await startTestApp();
  const { lease: old } = await server.leases.acquireKey({});
  await report(server, [], { statusCode: 401 });
  const before = (await server.admin.getKey({ keyId: 'a' })).key!;
  expect(before.state).toBe(KeyState.KEY_STATE_UNHEALTHY);
  expect((await reload(server, onePool([keyOf('a', { secret: 'brand-new' })]))).rotatedKeys).toEqual(['default/a']);
  const after = (await server.admin.getKey({ keyId: 'a' })).key!;
  expect(after.state).toBe(KeyState.KEY_STATE_AVAILABLE);
  expect(after.fingerprint).not.toBe(before.fingerprint);
  expect((await server.leases.acquireKey({})).credential?.secret).toBe('brand-new');

  const target = { $case: 'leaseId' as const, value: old!.leaseId };
  const mark = await server.leases.markUnhealthy({ target, reason: UnhealthyReason.UNHEALTHY_REASON_INVALID_CREDENTIAL });
  expect(mark).toMatchObject({ applied: false, note: expect.stringContaining('rotated') });
  await server.leases.reportHeaders({ leaseId: old!.leaseId, statusCode: 401 });
  expect((await server.admin.getKey({ keyId: 'a' })).key?.state).toBe(KeyState.KEY_STATE_AVAILABLE);
});

test('a lease on a key that left the configuration still ends, and no key is shown', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a'), keyOf('b')]) });
  const [one, two] = [await server.leases.acquireKey({ excludeKeyIds: ['b'] }), await server.leases.acquireKey({ excludeKeyIds: ['b'] })];
  await reload(server, onePool([keyOf('b')]));
  const reported = await server.leases.reportHeaders({ leaseId: one.lease!.leaseId, statusCode: 200 });
  expect(reported).toMatchObject({ lease: { state: LeaseState.LEASE_STATE_SETTLED }, key: undefined });
  expect((await server.leases.releaseLease({ leaseId: two.lease!.leaseId })).lease?.state).toBe(LeaseState.LEASE_STATE_RELEASED);
});

const twoPools = (...ids: string[]) => ({ pools: ids.map((id) => ({ id, provider: 'anthropic', keys: [keyOf(`key-of-${id}`)] })) });

test('a lease on a pool that left the configuration still ends, and no more are granted', async () => {
  const server = await startTestApp({ config: twoPools('stays', 'goes') });
  const { lease } = await server.leases.acquireKey({ pool: 'goes' });
  await reload(server, twoPools('stays'));
  expect((await refusalOf(server.leases.acquireKey({ pool: 'goes' }))).status).toBe('NOT_FOUND');
  expect((await server.leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200 })).lease?.state).toBe(
    LeaseState.LEASE_STATE_SETTLED,
  );
});

test('a pool that comes back finds its leases, and those whose time is over end by themselves', async () => {
  const path = mkdtempSync(join(tmpdir(), 'keylease-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  const store = { kind: 'file', path };
  const first = await startTestApp({ config: { ...twoPools('stays', 'goes'), store } });
  await first.leases.acquireKey({ pool: 'goes', ttl: { seconds: 0, nanos: 50_000_000 } });
  await first.app.close();
  const second = await startTestApp({ config: { ...twoPools('stays'), store } });
  await reload(second, { ...twoPools('stays', 'goes'), store });
  await expect.poll(async () => (await second.admin.listPools({})).pools.map(({ activeLeases }) => activeLeases)).toEqual([0, 0]);
});

test('two keys whose responses name one account share its allowance, and the log says so once for each key', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a'), keyOf('b')]) });
  const told = { statusCode: 200, headers: { ...headers, 'anthropic-organization-id': 'org-1' } };
  for (let round = 0; round < 3; round += 1) {
    await report(server, ['b'], told);
    await report(server, ['a'], told);
  }
  const { keys } = await server.admin.listKeys({});
  expect(keys[0]?.limitGroup).toBe(keys[1]?.limitGroup);
  const joined = server.log.filter(({ msg }) => String(msg).includes('name the account'));
  expect(joined.map(({ pool, key, group }) => [pool, key, group])).toEqual(
    keys.map(({ pool, keyId, limitGroup }) => [pool, keyId, limitGroup]),
  );
});

test('a reload says what takes effect only at the next start', async () => {
  const server = await startTestApp({ config: onePool([keyOf('a')]) });
  await reload(server, { ...onePool([keyOf('a')]), drain_timeout: '3s' });
  expect(server.log).toContainEqual(
    expect.objectContaining({ level: 40, msg: 'drain_timeout has changed: this takes effect at the next start' }),
  );
});
