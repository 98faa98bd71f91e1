import { expect, test } from 'vitest';
import { KeyState, UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { RetryAction, Verdict, VerdictScope } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';
import { refusalOf } from './refusal.ts';

const NOW = 1_800_000_000_000;
const at = (ms: number) => ({ seconds: Math.floor((NOW + ms) / 1_000), nanos: ((NOW + ms) % 1_000) * 1_000_000 });
const ANTHROPIC = {
  'Anthropic-RateLimit-Requests-Limit': '50',
  'Anthropic-RateLimit-Requests-Remaining': '49',
  'Anthropic-RateLimit-Requests-Reset': new Date(NOW + 2_000).toISOString(),
};

/** A server whose time stands still until it is moved. */
async function startedAt(config = onePool([keyOf('a')])) {
  let now = NOW;
  const server = await startTestApp({ config, store: memoryStore({ clock: () => now }) });
  return { ...server, advance: (ms: number) => (now += ms) };
}

async function leaseOf({ leases }: Connection, request = {}): Promise<string> {
  return (await leases.acquireKey(request)).lease!.leaseId;
}

test('AcquireKey answers with the lease and all that the provider request needs', async () => {
  const { leases } = await startedAt();
  const answer = await leases.acquireKey({ model: 'claude-sonnet-4-5', requests: 3, ttl: { seconds: 90, nanos: 0 } });
  expect(answer).toEqual({
    lease: {
      leaseId: expect.stringMatching(/^kl_[\w-]{60,}$/),
      pool: 'default',
      keyId: 'a',
      modelClass: 'claude-sonnet-4',
      holder: 'anonymous',
      state: LeaseState.LEASE_STATE_ACTIVE,
      acquireTime: at(0),
      expireTime: at(90_000),
      requestsReserved: 3,
      requestsReported: 0,
    },
    credential: {
      secret: 'secret-of-a',
      headerName: 'x-api-key',
      headerValue: 'secret-of-a',
      headers: { 'anthropic-version': '2023-06-01' },
      baseUrl: 'https://api.anthropic.com',
    },
    capacityScore: 1,
    waited: { seconds: 0, nanos: 0 },
  });
});

test.each([
  { what: 'no pool is named and there is one', pools: ['only'], named: '', granted: 'only' },
  { what: 'no pool is named and one of several is called default', pools: ['other', 'default'], named: '', granted: 'default' },
  { what: 'a pool is named', pools: ['other', 'default'], named: 'other', granted: 'other' },
])('$what: the key comes from "$granted"', async ({ pools, named, granted }) => {
  const config = { pools: pools.map((id) => ({ id, provider: 'openai', keys: [keyOf(`key-of-${id}`)] })) };
  const { leases } = await startedAt(config);
  expect((await leases.acquireKey({ pool: named })).lease?.keyId).toBe(`key-of-${granted}`);
});

test('no pool is named, and none of several is called default: NOT_FOUND', async () => {
  const config = { pools: ['x', 'y'].map((id) => ({ id, provider: 'openai', keys: [keyOf(`key-of-${id}`)] })) };
  const { leases } = await startedAt(config);
  expect((await refusalOf(leases.acquireKey({}))).status).toBe('NOT_FOUND');
});

test.each([
  { asked: undefined, granted: 60_000, what: 'no ttl is the default of the pool' },
  { asked: { seconds: 5, nanos: 500_000_000 }, granted: 5_500, what: 'a ttl is granted as asked' },
  { asked: { seconds: 10_000, nanos: 0 }, granted: 900_000, what: 'a ttl above the maximum is cut' },
])('$what', async ({ asked, granted }) => {
  const { leases } = await startedAt();
  expect((await leases.acquireKey({ ttl: asked })).lease?.expireTime).toEqual(at(granted));
});

test('ReportHeaders learns the limits from headers in any case, and settles the lease', async () => {
  const { leases } = await startedAt();
  const { lease } = await leases.acquireKey({ model: 'claude-sonnet-4-5' });
  const answer = await leases.reportHeaders({
    leaseId: lease!.leaseId,
    statusCode: 200,
    headers: { ...ANTHROPIC, 'anthropic-ratelimit-input-tokens-limit': 'plenty' },
    usage: { inputTokens: 10, outputTokens: 20 },
  });
  expect(answer).toMatchObject({
    lease: { leaseId: lease!.leaseId, state: LeaseState.LEASE_STATE_SETTLED, requestsReported: 1 },
    key: {
      keyId: 'a',
      state: KeyState.KEY_STATE_AVAILABLE,
      activeLeases: 0,
      limits: [{ limit: 50, remaining: 49, reserved: 0, source: 2 }],
    },
    verdict: Verdict.VERDICT_OK,
    scope: VerdictScope.VERDICT_SCOPE_REQUEST,
    retry: { action: RetryAction.RETRY_ACTION_NONE },
    ignoredHeaders: [{ name: 'anthropic-ratelimit-input-tokens-limit', reason: expect.any(String) }],
  });
});

test.each([
  {
    what: 'a 429 with retry-after',
    report: { statusCode: 429, headers: { 'retry-after': '7' } },
    verdict: 'RATE_LIMITED',
    scope: 'LIMIT_GROUP',
    untilMs: 7_000,
  },
  {
    what: 'an overload',
    report: { statusCode: 529, headers: { 'retry-after': '3' } },
    verdict: 'OVERLOADED',
    scope: 'PROVIDER',
    untilMs: 3_000,
  },
  { what: 'a dead credential', report: { statusCode: 401 }, verdict: 'INVALID_CREDENTIAL', scope: 'KEY', untilMs: 3_600_000 },
  { what: 'a forbidden model', report: { statusCode: 403 }, verdict: 'FORBIDDEN', scope: 'KEY_MODEL', untilMs: 3_600_000 },
  {
    what: 'an empty account',
    report: { statusCode: 400, errorBody: 'Your credit balance is too low' },
    verdict: 'BILLING',
    scope: 'LIMIT_GROUP',
    untilMs: 3_600_000,
  },
  { what: 'a wrong request', report: { statusCode: 400 }, verdict: 'CLIENT_ERROR', scope: 'REQUEST', untilMs: null },
  { what: 'a failing provider, once', report: { statusCode: 500 }, verdict: 'SERVER_ERROR', scope: 'REQUEST', untilMs: null },
  { what: 'no response, once', report: { statusCode: 0 }, verdict: 'NO_RESPONSE', scope: 'REQUEST', untilMs: null },
])('$what is told as VERDICT_$verdict for the $scope, with its end', async ({ report, verdict, scope, untilMs }) => {
  const server = await startedAt();
  const leaseId = await leaseOf(server, { model: 'claude-sonnet-4-5' });
  const answer = await server.leases.reportHeaders({ leaseId, ...report });
  expect(Verdict[`VERDICT_${verdict}` as keyof typeof Verdict]).toBe(answer.verdict);
  expect(VerdictScope[`VERDICT_SCOPE_${scope}` as keyof typeof VerdictScope]).toBe(answer.scope);
  expect(answer.until).toEqual(untilMs === null ? undefined : at(untilMs));
});

test('a report in progress teaches and settles nothing; the one that follows does', async () => {
  const server = await startedAt();
  const leaseId = await leaseOf(server);
  const first = await server.leases.reportHeaders({ leaseId, statusCode: 200, headers: ANTHROPIC, inProgress: true });
  expect(first).toMatchObject({ lease: { state: LeaseState.LEASE_STATE_ACTIVE }, key: { activeLeases: 1, limits: [{ limit: 50 }] } });
  const second = await server.leases.reportHeaders({ leaseId, statusCode: 200 });
  expect(second).toMatchObject({ lease: { state: LeaseState.LEASE_STATE_SETTLED }, key: { activeLeases: 0 } });
});

test('a lease of several requests is settled by the last of their reports', async () => {
  const server = await startedAt();
  const leaseId = await leaseOf(server, { requests: 2 });
  const states = [];
  for (let n = 0; n < 3; n += 1) {
    const { lease } = await server.leases.reportHeaders({ leaseId, statusCode: 200 });
    states.push([lease?.state, lease?.requestsReported]);
  }
  const { LEASE_STATE_ACTIVE: active, LEASE_STATE_SETTLED: settled } = LeaseState;
  expect(states).toEqual([
    [active, 1],
    [settled, 2],
    [settled, 2],
  ]);
});

test('a report on a settled lease teaches and settles nothing twice', async () => {
  const server = await startedAt(onePool([keyOf('a', { limits: { input_tokens: 1_000 } })]));
  const leaseId = await leaseOf(server, { estimatedInputTokens: 100 });
  const report = { leaseId, statusCode: 200, usage: { inputTokens: 100 } };
  const once = await server.leases.reportHeaders(report);
  const twice = await server.leases.reportHeaders({ ...report, headers: ANTHROPIC });
  expect(once.key?.limits).toMatchObject([{ remaining: 900, reserved: 0 }]);
  expect(twice.key?.limits.find(({ dimension }) => dimension === 2)).toMatchObject({ remaining: 900, reserved: 0 });
  expect(twice.key?.limits.find(({ dimension }) => dimension === 1)).toMatchObject({ limit: 50 });
  expect(twice.lease?.state).toBe(LeaseState.LEASE_STATE_SETTLED);
});

test('MarkUnhealthy by a lease takes its key out for the time given', async () => {
  const server = await startedAt();
  const leaseId = await leaseOf(server);
  const answer = await server.leases.markUnhealthy({
    target: { $case: 'leaseId', value: leaseId },
    reason: UnhealthyReason.UNHEALTHY_REASON_SERVER_ERROR,
    message: 'it stalls',
    cooldown: { seconds: 30, nanos: 0 },
  });
  expect(answer).toMatchObject({
    applied: true,
    note: '',
    key: {
      state: KeyState.KEY_STATE_COOLDOWN,
      reason: UnhealthyReason.UNHEALTHY_REASON_SERVER_ERROR,
      message: 'it stalls',
      availableTime: at(30_000),
    },
  });
});

test('MarkUnhealthy by key without a time lasts as long as its reason says', async () => {
  const { leases, admin, advance } = await startedAt();
  const target = { $case: 'keyId' as const, value: 'a' };
  await leases.markUnhealthy({ target, reason: UnhealthyReason.UNHEALTHY_REASON_OPERATOR });
  advance(30 * 24 * 3_600_000);
  expect((await admin.getKey({ keyId: 'a' })).key).toMatchObject({ state: KeyState.KEY_STATE_UNHEALTHY, availableTime: undefined });
});

test('RenewLease moves the end, never beyond the maximum from now, and never back', async () => {
  const server = await startedAt();
  const leaseId = await leaseOf(server, { ttl: { seconds: 100, nanos: 0 } });
  const renewed = async (seconds?: number) =>
    (await server.leases.renewLease({ leaseId, ttl: seconds === undefined ? undefined : { seconds, nanos: 0 } })).lease?.expireTime;
  expect(await renewed(10)).toEqual(at(100_000));
  server.advance(50_000);
  expect(await renewed()).toEqual(at(110_000));
  expect(await renewed(99_999)).toEqual(at(50_000 + 900_000));
});

test('a lease that has ended cannot be renewed', async () => {
  const server = await startedAt();
  const leaseId = await leaseOf(server);
  await server.leases.releaseLease({ leaseId });
  expect(await refusalOf(server.leases.renewLease({ leaseId }))).toMatchObject({
    status: 'NOT_FOUND',
    resourceInfo: { resourceType: 'keylease.v1/lease' },
  });
});

test('ReleaseLease gives the whole reservation back, and repeating it changes nothing', async () => {
  const server = await startedAt(onePool([keyOf('a', { limits: { input_tokens: 1_000 } })]));
  const leaseId = await leaseOf(server, { estimatedInputTokens: 1_000 });
  const first = await server.leases.releaseLease({ leaseId });
  expect(await server.leases.releaseLease({ leaseId })).toEqual(first);
  expect(first.lease?.state).toBe(LeaseState.LEASE_STATE_RELEASED);
  expect((await server.admin.getKey({ keyId: 'a' })).key).toMatchObject({ activeLeases: 0, limits: [{ remaining: 1_000, reserved: 0 }] });
  expect((await leaseOf(server, { estimatedInputTokens: 1_000 })).length).toBeGreaterThan(0);
});

test.each<{ end: string; how: (server: Awaited<ReturnType<typeof startedAt>>, leaseId: string) => unknown; state: number }>([
  {
    end: 'settled',
    how: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, statusCode: 200 }),
    state: LeaseState.LEASE_STATE_SETTLED,
  },
  { end: 'released', how: ({ leases }, leaseId) => leases.releaseLease({ leaseId }), state: LeaseState.LEASE_STATE_RELEASED },
  { end: 'revoked', how: ({ admin }, leaseId) => admin.revokeLease({ leaseId }), state: LeaseState.LEASE_STATE_REVOKED },
  { end: 'expired', how: ({ advance }) => advance(60_001), state: LeaseState.LEASE_STATE_EXPIRED },
])('a lease that was $end stays so, whatever is called on it afterwards', async ({ how, state }) => {
  const server = await startedAt();
  const leaseId = await leaseOf(server, { requestId: 'r' });
  await how(server, leaseId);
  const { leases, admin } = server;
  const answers = [
    await leases.releaseLease({ leaseId }),
    await admin.revokeLease({ leaseId }),
    await leases.reportHeaders({ leaseId, statusCode: 200 }),
    await leases.acquireKey({ requestId: 'r' }),
  ];
  expect(answers.map(({ lease }) => [lease?.leaseId, lease?.state])).toEqual(answers.map(() => [leaseId, state]));
  expect(answers.at(-1)).toMatchObject({ credential: undefined });
  expect((await admin.getKey({ keyId: 'a' })).key?.activeLeases).toBe(0);
});
