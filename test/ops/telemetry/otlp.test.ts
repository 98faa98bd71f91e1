import { Metadata } from 'nice-grpc';
import { expect, test } from 'vitest';
import { Metrics } from '../../../src/ops/metrics/metrics.ts';
import { openOtlp } from '../../../src/ops/telemetry/otlp.ts';
import { Counts } from '../../../src/service/counts.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import { refusalOf } from '../../grpc/refusal.ts';
import { keyOf, onePool, startTestApp } from '../../support/app.ts';
import { attributesOf, startCollector } from './collector.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

async function start(otlp: Readonly<Record<string, unknown>> = {}) {
  const collector = await startCollector();
  const telemetry = { otlp: { endpoint: `${collector.endpoint}/`, interval: '1s', ...otlp } };
  const app = await startTestApp({ config: { ...onePool([keyOf('a', { max_leases: 1 })]), telemetry } });
  return { ...app, collector };
}

const under = (traceparent: string) => ({ metadata: Metadata({ traceparent }) });

test("a call is a server span under the caller's, with its method, status and reason", async () => {
  const { leases, collector } = await start();
  await leases.acquireKey({}, under(`00-${TRACE}-${PARENT}-01`));
  await refusalOf(leases.acquireKey({}));
  await expect.poll(() => collector.spans.length, { timeout: 10_000 }).toBe(2);
  const [granted, refused] = collector.spans;
  expect(granted).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, name: 'keylease.v1.KeyLeaseService/AcquireKey', kind: 2 });
  expect(attributesOf(granted!.attributes)).toEqual({
    'rpc.system.name': 'grpc',
    'rpc.method': 'keylease.v1.KeyLeaseService/AcquireKey',
    'rpc.response.status_code': 'OK',
    'keylease.pool': 'default',
  });
  expect(refused!.parentSpanId ?? '').toBe('');
  expect(refused!.traceId).not.toBe(TRACE);
  expect(attributesOf(refused!.attributes)).toMatchObject({
    'rpc.response.status_code': 'RESOURCE_EXHAUSTED',
    'keylease.reason': 'ALL_KEYS_EXHAUSTED',
  });
  expect(JSON.stringify(collector.resources)).toContain('"keylease"');
  expect(JSON.stringify(collector.spans)).not.toContain('secret-of');
});

test('a caller that does not sample is obeyed; a malformed traceparent is as none', async () => {
  const { leases, admin, collector } = await start();
  await admin.listPools({}, under(`00-${TRACE}-${PARENT}-00`));
  await leases.acquireKey({}, under(`00-${TRACE}-short-01`));
  await expect.poll(() => collector.spans.length, { timeout: 10_000 }).toBe(1);
  expect(collector.spans[0]!.name).toBe('keylease.v1.KeyLeaseService/AcquireKey');
  expect(collector.spans[0]!.traceId).not.toBe(TRACE);
});

test('metrics are those of the scrape, under the names of OpenTelemetry where there are any', async () => {
  const { leases, collector } = await start({ traces: false, headers: { authorization: 'Bearer collector-secret' } });
  await leases.acquireKey({});
  const granted = () =>
    collector.metrics
      .get('keylease_acquire_total')
      ?.sum?.dataPoints.find(({ attributes }) => attributesOf(attributes).outcome === 'granted');
  await expect.poll(() => granted()?.asDouble, { timeout: 10_000 }).toBe(1);
  await expect.poll(() => collector.metrics.get('rpc.server.call.duration')?.histogram?.dataPoints.length, { timeout: 10_000 }).toBe(1);
  const { unit, histogram } = collector.metrics.get('rpc.server.call.duration')!;
  const [point] = histogram!.dataPoints;
  expect(unit).toBe('s');
  expect(point!.count).toBe(1);
  expect(point!.bucketCounts.reduce((sum, count) => sum + count)).toBe(1);
  expect(attributesOf(point!.attributes)['rpc.response.status_code']).toBe('OK');
  expect(collector.headers.map(({ authorization }) => authorization)).toContain('Bearer collector-secret');
  expect(collector.spans).toEqual([]);
});

test('what was not sent yet is sent at the end', async () => {
  const { app, leases, collector } = await start({ interval: '10m' });
  await leases.acquireKey({});
  await app.close();
  expect(collector.spans.map(({ name }) => name)).toEqual(['keylease.v1.KeyLeaseService/AcquireKey']);
  expect(collector.metrics.has('keylease_acquire_total')).toBe(true);
});

test('where the packages are not installed the message names them', async () => {
  const sights = {
    pools: { all: () => [] },
    waiting: { size: () => 0 },
    generations: { generation: 1, putTime: 0 },
    isStoreUp: () => true,
  };
  const metrics = new Metrics({ ...sights, store: memoryStore(), counts: new Counts() }, { version: '0' });
  const settings = { endpoint: 'http://127.0.0.1:9', headers: {}, intervalMs: 1_000, metrics: true, traces: true };
  const missing = () => Promise.reject(Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }));
  await expect(openOtlp(settings, metrics, '0', missing)).rejects.toThrow(
    'npm install @opentelemetry/sdk-metrics @opentelemetry/exporter-metrics-otlp-http @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources',
  );
});
