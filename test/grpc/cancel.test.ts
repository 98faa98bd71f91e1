import { connect } from 'node:http2';
import { expect, test } from 'vitest';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { gatedStore } from '../service/stores.ts';
import { type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';

async function gated(config = onePool([keyOf('a')])) {
  const { store, held, open } = gatedStore();
  return { ...(await startTestApp({ config, store })), commitsHeld: () => expect.poll(held).toBeGreaterThan(0), open };
}

/** A connection keeps its order: once this is answered, the server has heard of what was cancelled before. */
const hears = (admin: Connection['admin']) => admin.listPools({});

test('a call cancelled while its commit is under way leaves no lease behind', async () => {
  const { leases, admin, commitsHeld, open } = await gated(onePool([keyOf('a', { limits: { requests: 5 } })]));
  const controller = new AbortController();
  const call = leases.acquireKey({ requests: 5 }, { signal: controller.signal });
  await commitsHeld();
  controller.abort();
  await expect(call).rejects.toThrow('aborted');
  await hears(admin);
  open();
  await expect.poll(async () => (await admin.listLeases({})).leases).toEqual([]);
  expect((await admin.getKey({ keyId: 'a' })).key).toMatchObject({ activeLeases: 0, limits: [{ remaining: 5, reserved: 0 }] });
});

test('a call past its deadline while its commit is under way leaves no lease behind', async () => {
  const { leases, admin, commitsHeld, open } = await gated();
  const call = leases.acquireKey({}, { signal: AbortSignal.timeout(60) });
  await commitsHeld();
  await expect(call).rejects.toThrow();
  await hears(admin);
  open();
  await expect.poll(async () => (await admin.listLeases({})).leases).toEqual([]);
});

test('cancelled with a request id, the lease stays for the one who repeats it', async () => {
  const { leases, admin, commitsHeld, open } = await gated();
  const controller = new AbortController();
  const call = leases.acquireKey({ requestId: 'r' }, { signal: controller.signal });
  await commitsHeld();
  controller.abort();
  await expect(call).rejects.toThrow('aborted');
  await hears(admin);
  open();
  const { lease, credential } = await leases.acquireKey({ requestId: 'r' });
  expect([lease?.state, credential?.secret]).toEqual([LeaseState.LEASE_STATE_ACTIVE, 'secret-of-a']);
  expect((await admin.listLeases({})).leases.map(({ leaseId }) => leaseId)).toEqual([lease?.leaseId]);
});

test('no answer leaves before its commit', async () => {
  const { leases, commitsHeld, open } = await gated();
  let answered = false;
  const call = leases.acquireKey({}).finally(() => {
    answered = true;
  });
  await commitsHeld();
  expect(answered).toBe(false);
  open();
  expect((await call).lease?.keyId).toBe('a');
});

test('a deadline that the server hears of ends the call there too', async () => {
  const { address, commitsHeld, open, admin } = await gated();
  const { status, elapsedMs } = await callWithDeadline(address, 80);
  await commitsHeld();
  expect(status).toBe(4);
  expect(elapsedMs).toBeGreaterThanOrEqual(75);
  open();
  await expect.poll(async () => (await admin.listLeases({})).leases).toEqual([]);
});

/** AcquireKey with a deadline that only the server watches. */
async function callWithDeadline(address: string, ms: number): Promise<{ status: number; elapsedMs: number }> {
  const session = connect(`http://${address}`);
  const headers = {
    ':method': 'POST',
    ':path': '/keylease.v1.KeyLeaseService/AcquireKey',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const call = session.request({ ...headers, 'grpc-timeout': `${ms}m` });
  call.resume().end(Buffer.alloc(5));
  const start = performance.now();
  const status = await new Promise<number>((resolve) => call.once('response', (told) => resolve(Number(told['grpc-status']))));
  session.destroy();
  return { status, elapsedMs: performance.now() - start };
}
