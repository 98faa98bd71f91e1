import { expect, test } from 'vitest';
import { KeyState, LimitSource, UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { PassedOver } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';

const NOW = 1_800_000_000_000;
const at = (ms: number) => ({ seconds: (NOW + ms) / 1_000, nanos: 0 });

function started(config = onePool([keyOf('a')])) {
  return startTestApp({ config, store: memoryStore({ clock: () => NOW }) });
}

test('ListPools shows each pool with its counts', async () => {
  const config = {
    pools: [
      { id: 'zeta', provider: 'openai', strategy: 'round_robin', keys: [keyOf('z')] },
      { id: 'alpha', provider: 'anthropic', keys: [keyOf('a'), keyOf('b'), keyOf('c')] },
    ],
  };
  const { leases, admin } = await started(config);
  await leases.acquireKey({ pool: 'alpha' });
  await leases.acquireKey({ pool: 'alpha' });
  await admin.drainKey({ pool: 'alpha', keyId: 'c' });
  expect((await admin.listPools({})).pools).toEqual([
    { pool: 'alpha', provider: 'anthropic', strategy: 'least_loaded', keys: 3, availableKeys: 2, activeLeases: 2, waiting: 0 },
    { pool: 'zeta', provider: 'openai', strategy: 'round_robin', keys: 1, availableKeys: 1, activeLeases: 0, waiting: 0 },
  ]);
});

test('GetKey shows everything but the secret', async () => {
  const config = onePool([keyOf('a', { limit_group: 'org', weight: 3, priority: -2, limits: { requests: { limit: 10, window: '30s' } } })]);
  const { leases, admin } = await started(config);
  await leases.acquireKey({ requests: 4 });
  expect((await admin.getKey({ keyId: 'a' })).key).toEqual({
    pool: 'default',
    keyId: 'a',
    fingerprint: expect.stringMatching(/^[0-9a-f]{8}$/),
    limitGroup: 'org',
    state: KeyState.KEY_STATE_AVAILABLE,
    reason: UnhealthyReason.UNHEALTHY_REASON_UNSPECIFIED,
    message: '',
    availableTime: undefined,
    capacityScore: 0.8,
    activeLeases: 1,
    limits: [
      {
        dimension: 1,
        modelClass: '',
        window: { seconds: 30, nanos: 0 },
        limit: 10,
        remaining: 10,
        reserved: 4,
        resetTime: undefined,
        source: LimitSource.LIMIT_SOURCE_CONFIGURED,
      },
    ],
    weight: 3,
    priority: -2,
    lastReportTime: undefined,
    learnedConcurrency: [],
    blocks: [],
  });
});

test('ListKeys keeps the order of the configuration', async () => {
  const { admin } = await started(onePool(['c', 'a', 'b'].map((id) => keyOf(id))));
  expect((await admin.listKeys({})).keys.map(({ keyId }) => keyId)).toEqual(['c', 'a', 'b']);
});

test.each([
  { filter: {}, found: ['a', 'b'] },
  { filter: { keyId: 'b' }, found: ['b'] },
  { filter: { holder: 'anonymous' }, found: ['a', 'b'] },
  { filter: { holder: 'somebody else' }, found: [] },
  { filter: { keyId: 'a', holder: 'somebody else' }, found: [] },
])('ListLeases filtered by $filter shows the leases under way on $found', async ({ filter, found }) => {
  const { leases, admin } = await started(onePool([keyOf('a'), keyOf('b')], { strategy: 'round_robin' }));
  await leases.acquireKey({});
  await leases.acquireKey({});
  const { lease: ended } = await leases.acquireKey({});
  await leases.releaseLease({ leaseId: ended!.leaseId });
  const listed = (await admin.listLeases(filter)).leases;
  expect(listed.map(({ keyId }) => keyId).sort()).toEqual(found);
  expect(new Set(listed.map(({ state }) => state))).toEqual(new Set(found.map(() => LeaseState.LEASE_STATE_ACTIVE)));
});

test('ExplainAcquire tells for each key why, what binds and when, and changes nothing', async () => {
  const limits = { requests: 60 };
  const { leases, admin } = await started(onePool([keyOf('full', { limits }), keyOf('drained'), keyOf('good', { limits, priority: 1 })]));
  await leases.acquireKey({ requests: 60, excludeKeyIds: ['good', 'drained'], ttl: { seconds: 5, nanos: 0 } });
  await admin.drainKey({ keyId: 'drained' });
  const before = await admin.listKeys({});
  const answer = await admin.explainAcquire({ acquireKey: { model: 'm', estimatedInputTokens: 7 } });
  expect(answer).toMatchObject({ chosenKeyId: 'good', modelClass: 'm', reservedInputTokens: 7, refusal: '', roomTime: undefined });
  expect(answer.keys.map(({ keyId, passedOver }) => [keyId, passedOver])).toEqual([
    ['full', PassedOver.PASSED_OVER_UNSPECIFIED],
    ['drained', PassedOver.PASSED_OVER_DRAINING],
    ['good', PassedOver.PASSED_OVER_UNSPECIFIED],
  ]);
  expect(await admin.listKeys({})).toEqual(before);
});

test('ExplainAcquire of what would be refused names the reason that AcquireKey would give, and the moment', async () => {
  const { leases, admin } = await started(onePool([keyOf('a', { max_leases: 1 })]));
  await leases.acquireKey({ ttl: { seconds: 5, nanos: 0 } });
  expect(await admin.explainAcquire({})).toMatchObject({
    chosenKeyId: '',
    refusal: 'ALL_KEYS_EXHAUSTED',
    roomTime: at(5_000),
    keys: [{ keyId: 'a', passedOver: PassedOver.PASSED_OVER_MAX_LEASES, roomTime: at(5_000) }],
  });
});

test('ExplainAcquire checks its request as AcquireKey does', async () => {
  const { admin } = await started();
  await expect(admin.explainAcquire({ acquireKey: { model: 'm'.repeat(257) } })).rejects.toThrow('INVALID_ARGUMENT');
});

test('MarkHealthy ends what was said against a key and its group', async () => {
  const { leases, admin } = await started();
  const { lease } = await leases.acquireKey({});
  await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 429, headers: { 'retry-after': '60' } });
  await leases.markUnhealthy({ target: { $case: 'keyId', value: 'a' }, reason: UnhealthyReason.UNHEALTHY_REASON_BILLING });
  expect((await admin.getKey({ keyId: 'a' })).key?.state).toBe(KeyState.KEY_STATE_UNHEALTHY);
  const healed = await admin.markHealthy({ keyId: 'a' });
  expect(healed.key).toMatchObject({ state: KeyState.KEY_STATE_AVAILABLE, reason: 0, message: '', availableTime: undefined });
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('DrainKey takes no more leases, tells of those still out, and EnableKey undoes it', async () => {
  const { leases, admin } = await started();
  await leases.acquireKey({ ttl: { seconds: 5, nanos: 0 } });
  await leases.acquireKey({ ttl: { seconds: 50, nanos: 0 } });
  const drained = await admin.drainKey({ keyId: 'a' });
  expect(drained).toMatchObject({ key: { state: KeyState.KEY_STATE_DRAINING, activeLeases: 2 }, lastExpireTime: at(50_000) });
  expect(drained.leases.map(({ expireTime }) => expireTime)).toEqual([at(50_000), at(5_000)]);
  await expect(leases.acquireKey({})).rejects.toThrow('FAILED_PRECONDITION');
  expect((await admin.enableKey({ keyId: 'a' })).key?.state).toBe(KeyState.KEY_STATE_AVAILABLE);
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('DrainKey of a key without leases names no end', async () => {
  const { admin } = await started();
  expect(await admin.drainKey({ keyId: 'a' })).toMatchObject({ leases: [], lastExpireTime: undefined });
});

test('RevokeLease ends a lease, and its reservation counts as used', async () => {
  const { leases, admin } = await started(onePool([keyOf('a', { limits: { input_tokens: 1_000 } })]));
  const { lease } = await leases.acquireKey({ estimatedInputTokens: 400 });
  expect((await admin.revokeLease({ leaseId: lease!.leaseId })).lease?.state).toBe(LeaseState.LEASE_STATE_REVOKED);
  expect((await admin.getKey({ keyId: 'a' })).key).toMatchObject({ activeLeases: 0, limits: [{ remaining: 600, reserved: 0 }] });
});

test('ReloadConfig counts generations and tells what changed', async () => {
  const { admin, rewriteConfig } = await started(onePool([keyOf('kept'), keyOf('gone'), keyOf('turned')]));
  rewriteConfig(onePool([keyOf('kept'), keyOf('turned', { secret: 'another-one' }), keyOf('added')]));
  expect(await admin.reloadConfig({})).toEqual({
    generation: 2,
    addedKeys: ['default/added'],
    removedKeys: ['default/gone'],
    rotatedKeys: ['default/turned'],
  });
  expect(await admin.reloadConfig({})).toEqual({ generation: 3, addedKeys: [], removedKeys: [], rotatedKeys: [] });
});
