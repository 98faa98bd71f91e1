import { expect, test } from 'vitest';
import { breakableStore } from '../service/stores.ts';
import { startTestApp } from '../support/app.ts';
import { healthClient } from './health.ts';
import { refusalOf, retryMs } from './refusal.ts';

const SERVICES = ['', 'keylease.v1.KeyLeaseService', 'keylease.v1.PoolAdminService'];
const LONG = { timeout: 5_000, interval: 10 };

test.each(SERVICES)('"%s" is SERVING while it is', async (service) => {
  const health = healthClient((await startTestApp()).address);
  expect(await health.check(service)).toBe('SERVING');
});

test('List names all of them', async () => {
  const health = healthClient((await startTestApp()).address);
  expect(await health.list()).toEqual(Object.fromEntries(SERVICES.map((service) => [service, 'SERVING'])));
});

test('a service that is not served is NOT_FOUND to a check, and unknown to a watch', async () => {
  const health = healthClient((await startTestApp()).address);
  await expect(health.check('no.such.Service')).rejects.toThrow('NOT_FOUND');
  const { told } = health.watch('no.such.Service');
  await expect.poll(() => told).toEqual(['SERVICE_UNKNOWN']);
});

test('while the store is lost no key is returned, every call is UNAVAILABLE with RetryInfo, health says so, and it comes back by itself', async () => {
  const { store, breakDisk, mendDisk } = breakableStore();
  const { leases, admin, address, log } = await startTestApp({ store });
  const health = healthClient(address);
  const watches = SERVICES.map((service) => health.watch(service).told);
  await expect.poll(() => watches).toEqual(SERVICES.map(() => ['SERVING']));
  const { lease } = await leases.acquireKey({ requestId: 'before' });

  breakDisk();
  const calls = [
    () => leases.acquireKey({}),
    () => leases.acquireKey({ requestId: 'before' }),
    () => leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200 }),
    () => leases.renewLease({ leaseId: lease!.leaseId }),
    () => leases.releaseLease({ leaseId: lease!.leaseId }),
    () => admin.listKeys({}),
    () => admin.listPools({}),
    () => admin.getKey({ keyId: 'a' }),
    () => admin.drainKey({ keyId: 'a' }),
    () => admin.explainAcquire({}),
  ];
  for (const call of calls) {
    const refused = await refusalOf(call());
    expect(refused).toMatchObject({ status: 'UNAVAILABLE', errorInfo: { reason: 'STORE_LOST', domain: 'keylease' } });
    expect(retryMs(refused)).toBe(1_000);
  }
  await expect.poll(() => watches).toEqual(SERVICES.map(() => ['SERVING', 'NOT_SERVING']));
  expect(await health.check('')).toBe('NOT_SERVING');
  expect(log.map(({ msg }) => msg)).toContain('the store is lost: no key is leased until it is back');

  mendDisk();
  await expect.poll(() => watches, LONG).toEqual(SERVICES.map(() => ['SERVING', 'NOT_SERVING', 'SERVING']));
  const again = await leases.acquireKey({ requestId: 'before' });
  expect(again.lease?.leaseId).toBe(lease!.leaseId);
  expect((await admin.listLeases({})).leases).toHaveLength(1);
});

test('what was refused while the store was lost did not happen', async () => {
  const { store, breakDisk, mendDisk } = breakableStore();
  const { leases, admin } = await startTestApp({ store });
  breakDisk();
  const refused = await Promise.all(['r1', 'r2', 'r3'].map((requestId) => refusalOf(leases.acquireKey({ requestId }))));
  expect(refused.map(({ status }) => status)).toEqual(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
  mendDisk();
  await expect.poll(() => admin.listLeases({}).catch(() => null), LONG).toMatchObject({ leases: [] });
});

test('a lease whose time ends while the store is lost is ended when the store is back, without a call', async () => {
  const { store, breakDisk, mendDisk } = breakableStore();
  const { leases, admin } = await startTestApp({ store });
  const { lease } = await leases.acquireKey({ ttl: { seconds: 0, nanos: 100_000_000 } });
  breakDisk();
  await refusalOf(admin.enableKey({ keyId: 'a' }));
  const end = lease!.expireTime!.seconds * 1_000 + lease!.expireTime!.nanos / 1_000_000;
  await expect.poll(() => store.now(), LONG).toBeGreaterThan(end + 20);
  mendDisk();
  const activeLeases = () => {
    try {
      return store.read({ id: 'default' } as never).key('a')?.activeLeases;
    } catch {
      return 'lost';
    }
  };
  await expect.poll(activeLeases, LONG).toBe(0);
});
