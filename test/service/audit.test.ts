import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { standIn } from '../../src/audit/chain.ts';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { newFile, verified } from '../audit/support.ts';
import { type Connection, keyOf, onePool, startTestApp, type TestApp } from '../support/app.ts';
import { contendedStore } from './stores.ts';

const SECRET = 'sk-canary-3Wd8_kQ1zR6yH5';
const KEYS = [keyOf('a', { secret: SECRET }), keyOf('b')];

const records = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

async function startAudited(): Promise<{ server: TestApp; records: () => Record<string, unknown>[]; path: string; text: () => string }> {
  const path = newFile();
  const server = await startTestApp({ config: { ...onePool(KEYS, { lease: { ttl: '60s' } }), audit: { file: path } } });
  const text = () => readFileSync(path, 'utf8');
  return { server, records: () => records(text()), path, text };
}

const on = { leaseId: '', keyId: 'a', pool: 'default' };
const mark = {
  target: { $case: 'leaseId', value: '' },
  reason: UnhealthyReason.UNHEALTHY_REASON_BILLING,
  message: `it said ${SECRET}`,
} as const;
const usage = { inputTokens: 7, outputTokens: 3 };
const reply = { statusCode: 401, headers: { 'x-told': SECRET, 'retry-after': SECRET }, errorBody: `bad key ${SECRET}`, usage };

/** Each call that changes something or is refused, and what the audit says of it beside the holder. */
const CALLS: readonly [string, (server: Connection, leaseId: string) => Promise<unknown>, Record<string, unknown>][] = [
  ['a grant', ({ leases }) => leases.acquireKey({ model: SECRET, excludeKeyIds: ['b'] }), { kind: 'grant', pool: 'default', key: 'a', secret_told: true, requests: 1, model_class: standIn(SECRET.toLowerCase()) }],
  ['a refusal', ({ leases }) => leases.acquireKey({ excludeKeyIds: ['a', 'b'] }), { kind: 'refusal', call: 'acquire', pool: 'default', reason: 'exhausted' }],
  ['an acquire of no such pool', ({ leases }) => leases.acquireKey({ pool: SECRET }), { kind: 'refusal', call: 'acquire', pool: null, reason: 'no_such_pool' }],
  ['a report', ({ leases }, leaseId) => leases.reportHeaders({ leaseId, ...reply }), { kind: 'report', key: 'a', status: 401, verdict: 'invalid_credential', settled: true, input_tokens: 7, output_tokens: 3 }],
  ['a report on no such lease', ({ leases }) => leases.reportHeaders({ leaseId: SECRET, ...reply }), { kind: 'refusal', call: 'report', lease: standIn(SECRET), reason: 'no_such_lease' }],
  ['a renewal', ({ leases }, leaseId) => leases.renewLease({ leaseId }), { kind: 'renewal', key: 'a' }],
  ['a release', ({ leases }, leaseId) => leases.releaseLease({ leaseId }), { kind: 'release', key: 'a', ended: 'released' }],
  ['a mark by lease', ({ leases }, value) => leases.markUnhealthy({ ...mark, target: { ...mark.target, value } }), { kind: 'mark', key: 'a', pool: 'default', reason: 'billing', applied: true }],
  ['a mark by key', ({ leases }) => leases.markUnhealthy({ ...mark, target: { $case: 'keyId', value: 'b' } }), { kind: 'mark', key: 'b', lease: null, applied: true }],
  ['MarkHealthy', ({ admin }) => admin.markHealthy(on), { kind: 'admin', call: 'mark_healthy', key: 'a', pool: 'default' }],
  ['DrainKey', ({ admin }) => admin.drainKey(on), { kind: 'admin', call: 'drain', key: 'a' }],
  ['EnableKey', ({ admin }) => admin.enableKey(on), { kind: 'admin', call: 'enable', key: 'a' }],
  ['EnableKey of no such key', ({ admin }) => admin.enableKey({ ...on, keyId: SECRET }), { kind: 'refusal', call: 'enable', key: null, reason: 'no_such_key' }],
  ['RevokeLease', ({ admin }, leaseId) => admin.revokeLease({ leaseId }), { kind: 'admin', call: 'revoke', key: 'a', ended: 'revoked' }],
  ['ReloadConfig', ({ admin }) => admin.reloadConfig({}), { kind: 'admin', call: 'reload', generation: 2, added_keys: [] }],
]; // biome-ignore format: a row a call

test.each(CALLS)('%s is in the audit when it is answered, without anything secret', async (_, call, told) => {
  const { server, records, text } = await startAudited();
  const { lease } = await server.leases.acquireKey({ excludeKeyIds: ['b'] });
  await call(server, lease!.leaseId).catch(() => {});
  expect(records().at(-1)).toMatchObject({ holder: 'anonymous', ...told });
  expect(verified(text()).flaw).toBeNull();
  expect(text().toLowerCase()).not.toContain(SECRET.toLowerCase());
  expect(text()).not.toContain(lease!.leaseId);
  expect(records().filter((record) => record.lease === standIn(lease!.leaseId)).length).toBeGreaterThan(0);
});

test('a call that only looks is in no audit', async () => {
  const { server, records } = await startAudited();
  const before = records().length;
  await server.admin.listKeys({});
  await server.admin.explainAcquire({});
  expect(records()).toHaveLength(before);
});

test('a lease that ends by itself is in the audit', async () => {
  const { server, records } = await startAudited();
  const { lease } = await server.leases.acquireKey({ ttl: { seconds: 1 } });
  await expect
    .poll(() => records().at(-1), { timeout: 20_000 })
    .toMatchObject({ kind: 'expiry', holder: 'anonymous', lease: standIn(lease!.leaseId) });
});

test('the start and a reload by signal say so; a file that was rotated is gone on with', async () => {
  const { server, records, path, text } = await startAudited();
  expect(records()[1]).toMatchObject({ kind: 'admin', call: 'reload', holder: '(start)', added_keys: ['default/a', 'default/b'] });
  renameSync(path, `${path}.1`);
  await server.app.reload();
  expect(records()[1]).toMatchObject({ kind: 'admin', call: 'reload', holder: '(signal)' });
  expect(verified(readFileSync(`${path}.1`, 'utf8') + text()).flaw).toBeNull();
});

test('an audit that is lost while a call is under way keeps its key back', async () => {
  const { server, path, text } = await startAudited();
  const before = text();
  rmSync(path);
  await expect(server.leases.acquireKey({})).rejects.toMatchObject({
    code: 14,
    extra: expect.arrayContaining([expect.objectContaining({ reason: 'AUDIT_LOST' })]),
  });
  await expect
    .poll(
      () =>
        server.leases.acquireKey({}).then(
          ({ lease }) => lease?.pool,
          () => '',
        ),
      { timeout: 10_000 },
    )
    .toBe('default');
  expect(verified(before + text()).flaw).toBeNull();
  expect(records(text()).map(({ kind }) => kind)).toEqual(['opened', 'grant']);
});

test('a call that the store could not decide is in the audit', async () => {
  const path = newFile();
  const server = await startTestApp({
    config: { ...onePool(KEYS), audit: { file: path } },
    store: contendedStore(Number.POSITIVE_INFINITY),
  });
  await expect(server.leases.acquireKey({})).rejects.toMatchObject({ code: 14 });
  expect(records(readFileSync(path, 'utf8')).at(-1)).toMatchObject({
    kind: 'refusal',
    call: 'acquire',
    pool: 'default',
    reason: 'contended',
  });
});

test('without a way to write the audit no key leaves, health says so, and both come back', async () => {
  const { server, path, text } = await startAudited();
  renameSync(path, `${path}.1`);
  writeFileSync(path, 'not an audit\n');
  const refused = { code: 14, extra: expect.arrayContaining([expect.objectContaining({ reason: 'AUDIT_LOST' })]) };
  await expect(server.admin.reloadConfig({})).rejects.toMatchObject(refused);
  await expect(server.leases.acquireKey({})).rejects.toMatchObject(refused);
  await expect(server.admin.drainKey(on)).rejects.toMatchObject(refused);
  const keys = (await server.admin.listKeys({})).keys;
  expect(keys.map(({ activeLeases }) => activeLeases)).toEqual([0, 0]);
  expect(server.log.map(({ msg }) => msg)).toContain('the audit cannot be written: no key is leased until it can');
  rmSync(path);
  await expect
    .poll(
      () =>
        server.leases.acquireKey({}).then(
          ({ lease }) => lease?.pool,
          () => '',
        ),
      { timeout: 10_000 },
    )
    .toBe('default');
  expect(verified(readFileSync(`${path}.1`, 'utf8') + text()).flaw).toBeNull();
});

test('an audit takes its times from a store that has to be asked as what it is', async () => {
  const memory = memoryStore();
  const store: Store = {
    ...memory,
    now() {
      if (this !== store) throw new Error('the time of no store');
      return memory.now();
    },
  };
  const path = newFile();
  const { leases } = await startTestApp({ store, config: { ...onePool(KEYS), audit: { file: path } } });
  await leases.acquireKey({});
  expect(records(readFileSync(path, 'utf8')).map(({ kind }) => kind)).toContain('grant');
});
