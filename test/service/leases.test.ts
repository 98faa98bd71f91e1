import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { EndedLeases } from '../../src/service/ended-leases.ts';
import { LeaseIds } from '../../src/service/lease-id.ts';
import { ModelClasses } from '../../src/service/model-classes.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { refusalOf } from '../grpc/refusal.ts';
import { type ConfigContent, type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';
import { fakeClock, HOUR, MINUTE, START } from '../support/clock.ts';
import { makeLease, makePool } from '../support/make.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'keylease-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const STORES: { kind: string; store: () => ConfigContent }[] = [
  { kind: 'memory', store: () => ({ kind: 'memory' }) },
  { kind: 'file', store: () => ({ kind: 'file', path: folder() }) },
];

test.each(STORES)('$kind: a request id sent many times at once, over several connections, is one lease', async ({ store }) => {
  const server = await startTestApp({ config: { ...onePool([keyOf('a'), keyOf('b')]), store: store() } });
  const connections = [server, server.connect(), server.connect()];
  const sent = Array.from({ length: 60 }, (_, n) => connections[n % 3]!.leases.acquireKey({ requestId: `r${n % 4}` }));
  const answers = await Promise.all(sent);
  expect(new Set(answers.map(({ lease }) => lease?.leaseId)).size).toBe(4);
  expect(answers.map(({ credential }) => credential?.secret?.startsWith('secret-of-'))).toEqual(answers.map(() => true));
  const listed = (await server.admin.listLeases({})).leases.map(({ leaseId }) => leaseId);
  expect(listed.sort()).toEqual([...new Set(answers.map(({ lease }) => lease!.leaseId))].sort());
});

test.each(STORES)(
  '$kind: of several contents sent at once under one request id, one is granted and the others are refused',
  async ({ store }) => {
    const server = await startTestApp({ config: { ...onePool([keyOf('a')]), store: store() } });
    const contents = ['one', 'two', 'three'];
    const answers = await Promise.all(
      contents.map((affinity) => server.leases.acquireKey({ requestId: 'r', affinity }).catch(({ code }) => code as number)),
    );
    expect(answers.filter((answer) => answer === 3)).toHaveLength(2);
    expect((await server.admin.listLeases({})).leases).toHaveLength(1);
  },
);

test("a lease tells where its pool's provider is found: the provider's own address, or the one that the file names", async () => {
  const baseUrlOf = async (pool: ConfigContent) => {
    const { leases } = await startTestApp({ config: onePool([keyOf('a')], pool) });
    return (await leases.acquireKey({})).credential?.baseUrl;
  };
  expect(await baseUrlOf({})).toBe('https://api.anthropic.com');
  expect(await baseUrlOf({ base_url: 'https://gateway.example/anthropic/' })).toBe('https://gateway.example/anthropic');
  expect(await baseUrlOf({ base_url: 'http://[::1]:8080' })).toBe('http://[::1]:8080');
});

test('a request id is remembered for an hour after its lease can have ended at the latest', async () => {
  const clock = fakeClock();
  const { leases } = await startTestApp({ store: memoryStore({ clock }) });
  const lease = async () => (await leases.acquireKey({ requestId: 'r' })).lease;
  const first = await lease();
  clock.advance(15 * MINUTE + HOUR - 1);
  expect(await lease()).toMatchObject({ leaseId: first?.leaseId, state: LeaseState.LEASE_STATE_EXPIRED });
  clock.advance(1);
  const second = await lease();
  expect(second?.state).toBe(LeaseState.LEASE_STATE_ACTIVE);
  expect(second?.leaseId).not.toBe(first?.leaseId);
});

test('a repeated request id shows the lease as it stands, renewed and half reported', async () => {
  const { leases } = await startTestApp();
  const { lease } = await leases.acquireKey({ requestId: 'r', requests: 3 });
  const { lease: renewed } = await leases.renewLease({ leaseId: lease!.leaseId, ttl: { seconds: 600, nanos: 0 } });
  await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200 });
  expect((await leases.acquireKey({ requestId: 'r', requests: 3 })).lease).toEqual({ ...renewed, requestsReported: 1 });
});

const claims = { ...makeLease({ id: '' }), pool: 'default', holder: 'somebody-else', acquireTime: START, expireTime: START + MINUTE };

/** Every call by lease that a program can make. */
const CALLS: { name: string; call: (server: Connection, leaseId: string) => Promise<unknown> }[] = [
  { name: 'ReportHeaders', call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, statusCode: 401 }) },
  { name: 'RenewLease', call: ({ leases }, leaseId) => leases.renewLease({ leaseId }) },
  { name: 'ReleaseLease', call: ({ leases }, leaseId) => leases.releaseLease({ leaseId }) },
  {
    name: 'MarkUnhealthy',
    call: ({ leases }, leaseId) =>
      leases.markUnhealthy({ target: { $case: 'leaseId', value: leaseId }, reason: UnhealthyReason.UNHEALTHY_REASON_INVALID_CREDENTIAL }),
  },
];

test.each(CALLS)(
  '$name of another holder’s lease is answered, and changes as much, as of a lease that does not exist',
  async ({ call }) => {
    const store = memoryStore({ clock: fakeClock() });
    const server = await startTestApp({ store });
    const leaseId = new LeaseIds(store.installationKey).mint(claims);
    await store.apply({ pool: 'default', leases: [{ ...claims, id: leaseId }] });
    const before = await server.admin.listKeys({});
    const foreign = await refusalOf(call(server, leaseId));
    const unknown = await refusalOf(call(server, 'made-up'));
    expect({ ...foreign, resourceInfo: null }).toEqual({ ...unknown, resourceInfo: null });
    expect(foreign.status).toBe('NOT_FOUND');
    expect(await server.admin.listKeys({})).toEqual(before);
    expect(store.read(makePool({ id: 'default' })).lease(leaseId)).toEqual({ ...claims, id: leaseId });
  },
);

test.each(CALLS)('$name of a lease of another installation is NOT_FOUND', async ({ call }) => {
  const store = memoryStore({ clock: fakeClock() });
  const server = await startTestApp({ store });
  const leaseId = new LeaseIds(Buffer.alloc(32, 7)).mint({ ...claims, holder: 'anonymous' });
  expect((await refusalOf(call(server, leaseId))).status).toBe('NOT_FOUND');
});

test('an operator revokes anybody’s lease', async () => {
  const store = memoryStore({ clock: fakeClock() });
  const { admin } = await startTestApp({ store });
  const leaseId = new LeaseIds(store.installationKey).mint(claims);
  await store.apply({ pool: 'default', leases: [{ ...claims, id: leaseId }] });
  expect((await admin.revokeLease({ leaseId })).lease).toMatchObject({ holder: 'somebody-else', state: LeaseState.LEASE_STATE_REVOKED });
});

test('after a restart a request id still tells how its lease ended, and a lease id whether its time is over', async () => {
  const config = { ...onePool([keyOf('a', { max_leases: 10 })]), store: { kind: 'file', path: folder() } };
  const first = await startTestApp({ config });
  const acquired = async (requestId: string, request = {}) => (await first.leases.acquireKey({ requestId, ...request })).lease!.leaseId;
  const settled = await acquired('settled');
  await first.leases.reportHeaders({ leaseId: settled, statusCode: 200 });
  const released = await acquired('released');
  await first.leases.releaseLease({ leaseId: released });
  const revoked = await acquired('revoked');
  await first.admin.revokeLease({ leaseId: revoked });
  const active = await acquired('active');
  const expired = await acquired('expired', { ttl: { seconds: 0, nanos: 1_000_000 } });
  await first.app.close();

  const { leases, admin } = await startTestApp({ config });
  const states = [];
  for (const requestId of ['settled', 'released', 'revoked', 'active']) states.push((await leases.acquireKey({ requestId })).lease?.state);
  expect(states).toEqual([
    LeaseState.LEASE_STATE_SETTLED,
    LeaseState.LEASE_STATE_RELEASED,
    LeaseState.LEASE_STATE_REVOKED,
    LeaseState.LEASE_STATE_ACTIVE,
  ]);
  const again = await leases.acquireKey({ requestId: 'expired', ttl: { seconds: 0, nanos: 1_000_000 } });
  expect(again.lease).toMatchObject({ leaseId: expired, state: LeaseState.LEASE_STATE_EXPIRED });
  const late = await leases.reportHeaders({ leaseId: expired, statusCode: 200, headers: { 'anthropic-ratelimit-requests-limit': '77' } });
  expect(late).toMatchObject({ lease: { state: LeaseState.LEASE_STATE_EXPIRED }, key: { limits: [{ limit: 77 }] } });
  expect((await admin.listLeases({})).leases.map(({ leaseId }) => leaseId)).toEqual([active]);
});

test('the last ten thousand ended leases are remembered, and not many more', () => {
  const ended = new EndedLeases();
  for (let n = 0; n <= 20_000; n += 1) ended.add(makeLease({ id: `l${n}` }), 'settled');
  const ends = ['l9999', 'l10000', 'l10001', 'l20000'].map((id) => ended.get(id)?.end);
  expect(ends).toEqual([undefined, 'settled', 'settled', 'settled']);
});

test('model classes that callers make up are bounded for each pool, those of the configuration are not', () => {
  const classes = new ModelClasses();
  const pool = makePool({ modelClasses: [{ id: 'ruled', models: ['ruled-*'] }] });
  const found = new Set(Array.from({ length: 10_000 }, (_, n) => classes.of(pool, `made-up-${n}`)));
  expect(found.size).toBeLessThanOrEqual(300);
  expect(classes.of(pool, 'made-up-0')).toBe('made-up-0');
  expect(classes.of(pool, 'ruled-x')).toBe('ruled');
  expect(classes.of(makePool({ id: 'other' }), 'made-up-9999')).toBe('made-up-9999');
});
