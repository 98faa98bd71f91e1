import { expect, test } from 'vitest';
import { refusalOf } from '../../grpc/refusal.ts';
import { breakableStore, learningStore } from '../../service/stores.ts';
import { keyOf, onePool, startTestApp, type TestApp } from '../../support/app.ts';
import { everyMetric, scrape } from './scrape.ts';

const LIMITS = { limits: { requests: 10, input_tokens: 1_000 } };

async function start(pool = onePool([keyOf('a', LIMITS)])): Promise<TestApp & { samples(): Promise<ReadonlyMap<string, number>> }> {
  const app = await startTestApp({ config: { ...pool, ops: { listen: '127.0.0.1:0' } } });
  return { ...app, samples: () => scrape(app.app.opsAddress as string) };
}

const OF_KEY = 'key_ref="a",limit_group="a",model_class=""';

test('a lease, its reservation and its settling are seen in the gauges of the pool and of the key', async () => {
  const { leases, samples } = await start();
  const { lease } = await leases.acquireKey({ estimatedInputTokens: 400 });
  const during = await samples();
  expect(during.get('keylease_leases{pool="default",state="active"}')).toBe(1);
  expect(during.get('keylease_key_leases{key_ref="a",pool="default"}')).toBe(1);
  expect(during.get(`keylease_capacity_limit{dimension="input_tokens",${OF_KEY},pool="default",window="60s"}`)).toBe(1_000);
  expect(during.get(`keylease_capacity_reserved{dimension="input_tokens",${OF_KEY},pool="default",window="60s"}`)).toBe(400);
  await leases.releaseLease({ leaseId: lease!.leaseId });
  const after = await samples();
  expect(after.get('keylease_leases{pool="default",state="active"}')).toBe(0);
  expect(after.get(`keylease_capacity_reserved{dimension="input_tokens",${OF_KEY},pool="default",window="60s"}`)).toBe(0);
});

test('what became of acquires is counted, and a pool that a caller made up becomes no series', async () => {
  const { leases, samples } = await start(onePool([keyOf('a', { max_leases: 1 })]));
  await leases.acquireKey({ requestId: 'r' });
  await new Promise((resolve) => setTimeout(resolve, 2));
  await leases.acquireKey({ requestId: 'r' });
  await refusalOf(leases.acquireKey({}));
  await refusalOf(leases.acquireKey({ pool: 'made-up' }));
  const seen = await samples();
  expect(seen.get('keylease_acquire_total{outcome="granted",pool="default"}')).toBe(1);
  expect(seen.get('keylease_acquire_total{outcome="repeated",pool="default"}')).toBe(1);
  expect(seen.get('keylease_acquire_total{outcome="exhausted",pool="default"}')).toBe(1);
  expect(seen.get('keylease_acquire_total{outcome="not_found",pool=""}')).toBe(1);
  expect([...seen.keys()].filter((sample) => sample.includes('made-up'))).toEqual([]);
});

test('verdicts, the state of a key and the lag of a report', async () => {
  const { leases, samples } = await start(onePool([keyOf('a'), keyOf('b')]));
  const { lease } = await leases.acquireKey({});
  const seconds = Math.floor(Date.now() / 1_000) - 2;
  await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 401, responseTime: { seconds, nanos: 0 } });
  const seen = await samples();
  expect(seen.get('keylease_verdicts_total{pool="default",verdict="invalid_credential"}')).toBe(1);
  expect(seen.get(`keylease_key_state{key_ref="${lease!.keyId}",pool="default",state="unhealthy"}`)).toBe(1);
  expect(seen.get(`keylease_key_state{key_ref="${lease!.keyId}",pool="default",state="available"}`)).toBe(0);
  expect(seen.get('keylease_keys{pool="default",state="unhealthy"}')).toBe(1);
  expect(seen.get('keylease_keys{pool="default",state="available"}')).toBe(1);
  expect(seen.get('keylease_report_lag_seconds_count{pool="default"}')).toBe(1);
  expect(seen.get('keylease_report_lag_seconds_sum{pool="default"}')).toBeGreaterThanOrEqual(1.9);
  expect(seen.get('keylease_report_lag_seconds_bucket{le="0.5",pool="default"}')).toBe(0);
  expect(seen.get('keylease_report_lag_seconds_bucket{le="+Inf",pool="default"}')).toBe(1);
});

test('those who wait are seen, and how long they waited', async () => {
  const { leases, samples } = await start(onePool([keyOf('a', { max_leases: 1 })]));
  const { lease } = await leases.acquireKey({});
  const waiting = leases.acquireKey({ maxWait: { seconds: 20, nanos: 0 } });
  await expect.poll(async () => (await samples()).get('keylease_waiters{pool="default"}')).toBe(1);
  await leases.releaseLease({ leaseId: lease!.leaseId });
  await waiting;
  const seen = await samples();
  expect(seen.get('keylease_waiters{pool="default"}')).toBe(0);
  expect(seen.get('keylease_queue_wait_seconds_count{pool="default"}')).toBe(1);
});

test('a lease that ends without a report is counted', async () => {
  const { leases, samples } = await start();
  await leases.acquireKey({ ttl: { seconds: 1, nanos: 0 } });
  await expect
    .poll(async () => (await samples()).get('keylease_lease_expired_unreported_total{pool="default"}'), { timeout: 10_000 })
    .toBe(1);
});

test('calls are timed by method and status, those on a stream as well; only faults of the server have an error type', async () => {
  const { leases, admin, samples } = await start();
  await leases.acquireKey({});
  await refusalOf(leases.renewLease({ leaseId: 'nobody' }));
  await admin.listPools({});
  for await (const _ of leases.leaseStream(calls())) break;
  const ofCall = async (rpc: string, status: string) =>
    (await samples()).get(
      `rpc_server_call_duration_seconds_count{rpc_method="keylease.v1.${rpc}",rpc_response_status_code="${status}",rpc_system_name="grpc"}`,
    );
  expect(await ofCall('KeyLeaseService/AcquireKey', 'OK')).toBe(2);
  expect(await ofCall('KeyLeaseService/RenewLease', 'NOT_FOUND')).toBe(1);
  expect(await ofCall('PoolAdminService/ListPools', 'OK')).toBe(1);
  await expect.poll(() => ofCall('KeyLeaseService/LeaseStream', 'CANCELLED')).toBe(1);
});

async function* calls() {
  yield { calls: [{ id: 1, call: { $case: 'acquireKey' as const, value: {} } }] };
  await new Promise(() => {});
}

test('while the store is lost its pools have no gauges, and the failures are counted', async () => {
  const { store, breakDisk } = breakableStore();
  const { app, leases } = await startTestApp({ config: { ...onePool([keyOf('a')]), ops: { listen: '127.0.0.1:0' } }, store });
  await leases.acquireKey({});
  breakDisk();
  await refusalOf(leases.acquireKey({}));
  await refusalOf(leases.acquireKey({}));
  const seen = await scrape(app.opsAddress as string);
  expect(seen.get('keylease_store_up')).toBe(0);
  expect(seen.get('keylease_leases{pool="default",state="active"}')).toBeUndefined();
  expect(seen.get('keylease_store_failures_total{op="apply"}')).toBe(1);
  expect(seen.get('keylease_store_failures_total{op="read"}')).toBeGreaterThanOrEqual(1);
  expect(seen.get('keylease_acquire_total{outcome="unavailable",pool="default"}')).toBe(2);
  expect(seen.get('keylease_store_commit_seconds_count')).toBeGreaterThanOrEqual(1);
  const failed = 'rpc_method="keylease.v1.KeyLeaseService/AcquireKey",rpc_response_status_code="UNAVAILABLE",rpc_system_name="grpc"';
  expect(seen.get(`rpc_server_call_duration_seconds_count{error_type="UNAVAILABLE",${failed}}`)).toBe(2);
});

test('a pool that learns says so', async () => {
  const config = { ...onePool([keyOf('a')]), ops: { listen: '127.0.0.1:0' } };
  const { app } = await startTestApp({ config, store: learningStore(() => 9e15) });
  // It is looked at once for the other gauges first.
  await scrape(app.opsAddress as string);
  expect((await scrape(app.opsAddress as string)).get('keylease_learning_mode{pool="default"}')).toBe(1);
});

test('a pool of more than 500 keys has no series of its keys, and says so', async () => {
  const { samples } = await start(onePool(Array.from({ length: 501 }, (_, place) => keyOf(`k${place}`, LIMITS))));
  const seen = await samples();
  expect(seen.get('keylease_keys_not_shown{pool="default"}')).toBe(501);
  expect(seen.get('keylease_keys{pool="default",state="available"}')).toBe(501);
  expect([...seen.keys()].filter((sample) => sample.includes('key_ref='))).toEqual([]);
});

test('what runs, since when and with which configuration', async () => {
  const { app, samples, rewriteConfig } = await start();
  const before = await samples();
  expect(before.get('keylease_config_generation')).toBe(1);
  expect(before.get('keylease_secret_reload_timestamp_seconds')).toBeGreaterThan(Date.now() / 1_000 - 60);
  rewriteConfig(onePool([keyOf('a')]));
  await app.reload();
  const after = await samples();
  expect(after.get('keylease_config_generation')).toBe(2);
  expect(after.get('keylease_keys_without_limits{pool="default"}')).toBe(1);
  expect(after.get('keylease_learning_mode{pool="default"}')).toBe(0);
  expect([...after.keys()].filter((sample) => sample.startsWith('keylease_build_info{'))).toHaveLength(1);
  expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(0);
});

test('no label could name a holder or a lease', () => {
  const labels = new Set([...everyMetric()].filter(([name]) => /^(?:keylease|rpc)_/.test(name)).flatMap(([, { labels }]) => labels));
  expect([...labels].sort()).toEqual([
    ...['dimension', 'error_type', 'key_ref', 'limit_group', 'model_class', 'node', 'op', 'outcome', 'pool'],
    ...['rpc_method', 'rpc_response_status_code', 'rpc_system_name', 'state', 'verdict', 'version', 'window'],
  ]);
});
