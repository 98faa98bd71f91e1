import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Status } from '../../src/generated/google/rpc/status.ts';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { statusOf } from '../../src/grpc/status.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { contendedStore, faultyStore } from '../service/stores.ts';
import { type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';
import { fieldsOf, refusalOf, retryMs } from './refusal.ts';

const SECOND = { seconds: 1, nanos: 0 };

test.each<{ what: string; call: (server: Connection) => Promise<unknown>; type: string; name: string }>([
  { what: 'pool to lease from', call: ({ leases }) => leases.acquireKey({ pool: 'nowhere' }), type: 'pool', name: 'nowhere' },
  {
    what: 'pool to explain',
    call: ({ admin }) => admin.explainAcquire({ acquireKey: { pool: 'nowhere' } }),
    type: 'pool',
    name: 'nowhere',
  },
  { what: 'pool whose keys to list', call: ({ admin }) => admin.listKeys({ pool: 'nowhere' }), type: 'pool', name: 'nowhere' },
  { what: 'pool whose leases to list', call: ({ admin }) => admin.listLeases({ pool: 'nowhere' }), type: 'pool', name: 'nowhere' },
  { what: 'pool of a key', call: ({ admin }) => admin.getKey({ pool: 'nowhere', keyId: 'a' }), type: 'pool', name: 'nowhere' },
  { what: 'key to show', call: ({ admin }) => admin.getKey({ keyId: 'nobody' }), type: 'key', name: 'nobody' },
  { what: 'key to heal', call: ({ admin }) => admin.markHealthy({ keyId: 'nobody' }), type: 'key', name: 'nobody' },
  { what: 'key to drain', call: ({ admin }) => admin.drainKey({ keyId: 'nobody' }), type: 'key', name: 'nobody' },
  { what: 'key to enable', call: ({ admin }) => admin.enableKey({ keyId: 'nobody' }), type: 'key', name: 'nobody' },
  { what: 'key to mark', call: ({ leases }) => leases.markUnhealthy(markByKey('nobody')), type: 'key', name: 'nobody' },
  { what: 'lease to report on', call: ({ leases }) => leases.reportHeaders({ leaseId: 'made-up' }), type: 'lease', name: 'made-up' },
  { what: 'lease to renew', call: ({ leases }) => leases.renewLease({ leaseId: 'made-up' }), type: 'lease', name: 'made-up' },
  { what: 'lease to release', call: ({ leases }) => leases.releaseLease({ leaseId: 'made-up' }), type: 'lease', name: 'made-up' },
  { what: 'lease to revoke', call: ({ admin }) => admin.revokeLease({ leaseId: 'made-up' }), type: 'lease', name: 'made-up' },
  { what: 'lease to mark by', call: ({ leases }) => leases.markUnhealthy(markByLease('made-up')), type: 'lease', name: 'made-up' },
])('an unknown $what is NOT_FOUND with the resource', async ({ call, type, name }) => {
  const refused = await refusalOf(call(await startTestApp()));
  expect(refused).toMatchObject({
    status: 'NOT_FOUND',
    errorInfo: { reason: 'NOT_FOUND', domain: 'keylease' },
    resourceInfo: { resourceType: `keylease.v1/${type}`, resourceName: name },
  });
});

test('keys without room are RESOURCE_EXHAUSTED, with the earliest moment at which this very demand fits and counts of why', async () => {
  const limits = { output_tokens: 1_000 };
  const keys = ['full', 'full-too', 'cooling', 'dead', 'drained', 'unwanted'].map((id) => keyOf(id, { limits }));
  const { leases, admin } = await startTestApp({ config: onePool(keys) });
  for (const _ of ['full', 'full-too']) {
    await leases.acquireKey({ estimatedOutputTokens: 1_000, excludeKeyIds: ['cooling', 'dead', 'drained', 'unwanted'] });
  }
  await leases.markUnhealthy({ ...markByKey('cooling'), cooldown: { seconds: 5, nanos: 0 } });
  await leases.markUnhealthy(markByKey('dead'));
  await admin.drainKey({ keyId: 'drained' });
  const refused = await refusalOf(leases.acquireKey({ estimatedOutputTokens: 500, excludeKeyIds: ['unwanted'] }));
  expect(refused).toMatchObject({
    status: 'RESOURCE_EXHAUSTED',
    errorInfo: {
      reason: 'ALL_KEYS_EXHAUSTED',
      domain: 'keylease',
      metadata: { keys: '6', cooldown: '1', unhealthy: '1', draining: '1', excluded: '1', no_room: '2' },
    },
  });
  expect(retryMs(refused)).toBeGreaterThan(4_500);
  expect(retryMs(refused)).toBeLessThanOrEqual(5_000);
});

test('a caller who comes back when RetryInfo says gets its lease, and one who comes a millisecond earlier does not', async () => {
  let now = 1_800_000_000_000;
  const config = onePool([keyOf('a', { limits: { requests: 7 } })]);
  const { leases } = await startTestApp({ config, store: memoryStore({ clock: () => now }) });
  for (let n = 0; n < 7; n += 1) {
    const { lease } = await leases.acquireKey({});
    await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200 });
  }
  const wait = Math.ceil(retryMs(await refusalOf(leases.acquireKey({}))) as number);
  now += wait - 1;
  expect(retryMs(await refusalOf(leases.acquireKey({})))).toBeLessThanOrEqual(1);
  now += 1;
  expect((await leases.acquireKey({})).lease?.state).toBe(LeaseState.LEASE_STATE_ACTIVE);
});

test('a demand above every limit is FAILED_PRECONDITION that names the limits', async () => {
  const keys = [keyOf('a', { limits: { input_tokens: 100 } }), keyOf('b', { limits: { input_tokens: 200 } })];
  const { leases } = await startTestApp({ config: onePool(keys) });
  const refused = await refusalOf(leases.acquireKey({ estimatedInputTokens: 201 }));
  expect(refused).toMatchObject({
    status: 'FAILED_PRECONDITION',
    errorInfo: { reason: 'DEMAND_EXCEEDS_LIMIT', domain: 'keylease', metadata: { keys: '2' } },
    quotaFailure: {
      violations: [
        { subject: 'key:a', description: 'input_tokens: 201 asked, the limit is 100' },
        { subject: 'key:b', description: 'input_tokens: 201 asked, the limit is 200' },
      ],
    },
    retryInfo: undefined,
  });
});

test('where every key is unhealthy or draining it is FAILED_PRECONDITION, for waiting does not help', async () => {
  const { leases, admin } = await startTestApp({ config: onePool([keyOf('a'), keyOf('b')]) });
  await leases.markUnhealthy(markByKey('a'));
  await admin.drainKey({ keyId: 'b' });
  expect(await refusalOf(leases.acquireKey({}))).toMatchObject({
    status: 'FAILED_PRECONDITION',
    errorInfo: { reason: 'NO_HEALTHY_KEYS', domain: 'keylease', metadata: { keys: '2', unhealthy: '1', draining: '1' } },
  });
});

test('a full line is RESOURCE_EXHAUSTED, with a moment to come back', async () => {
  const config = onePool([keyOf('a', { max_leases: 1 })], { waiting: { max_wait: '30s', max_waiters: 0 } });
  const { leases } = await startTestApp({ config });
  await leases.acquireKey({});
  const refused = await refusalOf(leases.acquireKey({ maxWait: SECOND }));
  expect(refused).toMatchObject({ status: 'RESOURCE_EXHAUSTED', errorInfo: { reason: 'TOO_MANY_WAITERS', domain: 'keylease' } });
  expect(retryMs(refused)).toBeGreaterThan(0);
});

test('a request id repeated with another content is INVALID_ARGUMENT of its own reason', async () => {
  const { leases } = await startTestApp();
  await leases.acquireKey({ requestId: 'r', model: 'one' });
  const refused = await refusalOf(leases.acquireKey({ requestId: 'r', model: 'two' }));
  expect(refused).toMatchObject({ status: 'INVALID_ARGUMENT', errorInfo: { reason: 'REQUEST_ID_REUSED', domain: 'keylease' } });
  expect(fieldsOf(refused)).toEqual(['request_id']);
});

test('a malformed request is INVALID_ARGUMENT that names each field at once', async () => {
  const { leases } = await startTestApp();
  const refused = await refusalOf(
    leases.acquireKey({
      model: 'm'.repeat(257),
      affinity: 'a'.repeat(257),
      requestId: 'r'.repeat(129),
      ttl: { seconds: -1, nanos: 0 },
      maxWait: { seconds: 0, nanos: -1 },
      excludeKeyIds: Array.from({ length: 65 }, (_, n) => `k${n}`),
    }),
  );
  expect(refused).toMatchObject({ status: 'INVALID_ARGUMENT', errorInfo: { reason: 'INVALID_FIELDS', domain: 'keylease' } });
  expect(fieldsOf(refused).sort()).toEqual(['affinity', 'exclude_key_ids', 'max_wait', 'model', 'request_id', 'ttl']);
});

test('a configuration with mistakes is INVALID_ARGUMENT that says every one of them', async () => {
  const { admin, rewriteConfig } = await startTestApp();
  rewriteConfig(onePool([keyOf('a', { weight: 0, priority: 'high' })], { strategy: 'luck' }));
  const refused = await refusalOf(admin.reloadConfig({}));
  expect(refused).toMatchObject({ status: 'INVALID_ARGUMENT', errorInfo: { reason: 'CONFIG_MISTAKES', domain: 'keylease' } });
  expect(refused.badRequest.fieldViolations.map(({ description }: { description: string }) => description)).toEqual([
    expect.stringContaining('pools[0].strategy'),
    expect.stringContaining('pools[0].keys[0].weight'),
    expect.stringContaining('pools[0].keys[0].priority'),
  ]);
});

test('records that move on again and again are UNAVAILABLE, and to be tried again', async () => {
  const { leases } = await startTestApp({ store: contendedStore(Number.POSITIVE_INFINITY) });
  const refused = await refusalOf(leases.acquireKey({}));
  expect(refused).toMatchObject({ status: 'UNAVAILABLE', errorInfo: { reason: 'CONTENDED', domain: 'keylease' } });
  expect(retryMs(refused)).toBe(1_000);
});

test('a fault is INTERNAL without a word on its cause, which is in the log', async () => {
  const { leases, log } = await startTestApp({ store: faultyStore(new Error('a cause that tells much')) });
  const refused = await refusalOf(leases.acquireKey({}));
  expect(refused).toMatchObject({ status: 'INTERNAL', message: 'Internal error', errorInfo: { reason: 'INTERNAL' } });
  expect(JSON.stringify(refused)).not.toContain('cause');
  expect(log).toContainEqual(
    expect.objectContaining({
      level: 50,
      request_id: refused.errorInfo?.metadata?.request_id,
      rpc: '/keylease.v1.KeyLeaseService/AcquireKey',
      err: expect.objectContaining({ message: 'a cause that tells much' }),
    }),
  );
});

const LONG = 'k'.repeat(60);
const MANY_KEYS = Array.from({ length: 1_000 }, (_, n) => keyOf(`${LONG}-${n}`.slice(-63), { limits: { requests: 5 } }));

test.each<{
  what: string;
  call: (server: Connection) => Promise<unknown>;
  detail: 'quotaFailure' | 'resourceInfo' | 'errorInfo' | 'badRequest';
}>([
  {
    what: 'a demand above the limits of a thousand keys',
    call: ({ leases }) => leases.acquireKey({ requests: 6 }),
    detail: 'quotaFailure',
  },
  {
    what: 'a pool whose name is 50,000 characters',
    call: ({ leases }) => leases.acquireKey({ pool: 'é'.repeat(25_000) }),
    detail: 'resourceInfo',
  },
  {
    what: 'a lease id of 50,000 characters',
    call: ({ admin }) => admin.revokeLease({ leaseId: 'k'.repeat(50_000) }),
    detail: 'resourceInfo',
  },
  { what: 'a configuration with a thousand mistakes', call: ({ admin }) => admin.reloadConfig({}), detail: 'badRequest' },
])('$what is answered with details, in less than 4 KiB', async ({ call, detail }) => {
  const app = await startTestApp({ config: onePool(MANY_KEYS) });
  app.rewriteConfig(onePool(MANY_KEYS.map((key) => ({ ...key, limit_group: '/'.repeat(500), weight: 'w'.repeat(500) }))));
  let trailerBytes = 0;
  const refused = await refusalOf(call(measured(app, (bytes) => (trailerBytes = bytes))));
  expect(refused[detail]).toBeDefined();
  expect(trailerBytes).toBeGreaterThan(0);
  expect(trailerBytes).toBeLessThanOrEqual(4_096);
  expect(refused.message.length).toBeLessThanOrEqual(1_024);
});

const texts = fc.string({ unit: 'binary', maxLength: 700, size: 'max' });
const violations = fc.array(fc.record({ field: texts, description: texts }), { maxLength: 16, size: 'max' });
const problems = fc.oneof(
  fc.record({
    kind: fc.constant('not_found' as const),
    resource: fc.constantFrom('pool' as const, 'key' as const, 'lease' as const),
    name: texts,
  }),
  fc.record({ kind: fc.constant('invalid' as const), violations }),
  fc.record({ kind: fc.constant('config_mistakes' as const), mistakes: fc.array(texts, { maxLength: 16, size: 'max' }) }),
);

test('whatever is wrong, and however long its names are, the details take at most 4 KiB and the message can be sent', () => {
  fc.assert(
    fc.property(problems, (problem) => {
      const status = statusOf(problem, 0);
      expect(Status.encode(status).finish().length).toBeLessThanOrEqual(4_096);
      expect(status.message.length).toBeLessThanOrEqual(1_024);
      expect(status.message.isWellFormed()).toBe(true);
    }),
    // Shrinking texts as long as these takes minutes.
    { endOnFailure: true },
  );
});

/** The same clients, which say how many bytes the details of an answer take. */
function measured({ leases, admin, channel }: Connection, hear: (bytes: number) => void): Connection {
  const listening = <T extends object>(client: T) =>
    new Proxy(client, {
      get: (target, name) => (request: object) =>
        (target as Record<string, (request: object, options: object) => unknown>)[String(name)]!(request, {
          onTrailer: (trailer: { get(name: string): Uint8Array | undefined }) => hear(trailer.get('grpc-status-details-bin')?.length ?? 0),
        }),
    });
  return { leases: listening(leases), admin: listening(admin), channel };
}

function markByKey(keyId: string) {
  return { target: { $case: 'keyId' as const, value: keyId }, reason: UnhealthyReason.UNHEALTHY_REASON_INVALID_CREDENTIAL };
}

function markByLease(leaseId: string) {
  return { target: { $case: 'leaseId' as const, value: leaseId }, reason: UnhealthyReason.UNHEALTHY_REASON_OVERLOADED };
}
