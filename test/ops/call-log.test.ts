import { Metadata } from 'nice-grpc';
import pino from 'pino';
import { expect, test } from 'vitest';
import { callLog } from '../../src/ops/call-log.ts';
import type { FinishedCall } from '../../src/service/finished-call.ts';
import { refusalOf } from '../grpc/refusal.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

async function start(calls?: string) {
  const app = await startTestApp({ config: { ...onePool([keyOf('a', { max_leases: 1 })]), ...(calls && { log: { calls } }) } });
  return { ...app, lines: () => app.log.filter(({ msg }) => msg === 'call') };
}

test('a call that failed has a line that says what, whose and why', async () => {
  const { leases, lines } = await start();
  await leases.acquireKey({});
  const metadata = Metadata({ traceparent: `00-${TRACE}-b7ad6b7169203331-01` });
  await refusalOf(leases.acquireKey({ pool: 'default', requestId: 'mine' }, { metadata }));
  expect(lines()).toEqual([
    expect.objectContaining({
      level: 30,
      rpc: 'keylease.v1.KeyLeaseService/AcquireKey',
      code: 'RESOURCE_EXHAUSTED',
      reason: 'ALL_KEYS_EXHAUSTED',
      holder: 'anonymous',
      pool: 'default',
      request_id: 'mine',
      trace_id: TRACE,
      duration_ms: expect.any(Number),
    }),
  ]);
});

test('with all, every call has one; a lease shows as the same hash wherever it appears, and never as itself', async () => {
  const { leases, log, lines } = await start('all');
  const { lease } = await leases.acquireKey({});
  await leases.releaseLease({ leaseId: lease!.leaseId });
  expect(lines().map(({ rpc, code }) => [rpc, code])).toEqual([
    ['keylease.v1.KeyLeaseService/AcquireKey', 'OK'],
    ['keylease.v1.KeyLeaseService/ReleaseLease', 'OK'],
  ]);
  const [acquired, released] = lines();
  expect(acquired!.lease).toMatch(/^[0-9a-f]{12}$/);
  expect(released!.lease).toBe(acquired!.lease);
  expect(JSON.stringify(log)).not.toContain(lease!.leaseId);
  expect(JSON.stringify(log)).not.toContain('secret-of');
});

test('with none, no call has one', async () => {
  const { leases, lines } = await start('none');
  await refusalOf(leases.renewLease({ leaseId: 'nobody' }));
  expect(lines()).toEqual([]);
});

test('of calls that fail twenty a second have a line; the next one tells how many have not', () => {
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const observe = callLog(log, 'failed', () => now);
  const failed = { code: 8, codeName: 'RESOURCE_EXHAUSTED', durationMs: 1, leaseId: '', traceparent: undefined } as FinishedCall;
  for (let call = 0; call < 30; call += 1) observe(failed);
  expect(lines).toHaveLength(20);
  now = 1_000;
  observe(failed);
  observe(failed);
  expect(lines.slice(20).map((line) => line.left_out_before)).toEqual([10, undefined]);
});
