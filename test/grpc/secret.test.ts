import { expect, test } from 'vitest';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { type LeaseReply, LeaseStreamRequest } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';
import { reflectionClient } from './reflection.ts';

const SECRET = 'sk-canary-7Qm2_vT9xL4pZ8';

/** Every shape in which the secret could be told. */
const SHAPES = [
  SECRET,
  SECRET.slice(0, 12),
  SECRET.slice(12),
  Buffer.from(SECRET).toString('hex'),
  ...[0, 1, 2].map((shift) =>
    Buffer.from(' '.repeat(shift) + SECRET)
      .toString('base64')
      .slice(4, -4),
  ),
  Buffer.from(SECRET).toString('base64url').slice(0, -2),
];

function found(told: unknown): string[] {
  const text = JSON.stringify(told);
  return SHAPES.filter((shape) => text.includes(shape));
}

const headers = { 'anthropic-ratelimit-requests-limit': '50', 'anthropic-organization-id': 'org' };
const keyId = 'a';

/** Each call that there is, refused and answered. */
const CALLS: Record<string, (server: Connection, leaseId: string) => Promise<unknown>> = {
  'AcquireKey, refused': ({ leases }) => leases.acquireKey({ excludeKeyIds: ['a', 'b'] }),
  'AcquireKey of a lease that has ended': async ({ leases }) => {
    const { lease } = await leases.acquireKey({ requestId: 'ended' });
    await leases.releaseLease({ leaseId: lease!.leaseId });
    return leases.acquireKey({ requestId: 'ended' });
  },
  ReportHeaders: ({ leases }, leaseId) =>
    leases.reportHeaders({ leaseId, statusCode: 401, headers, errorBody: `invalid x-api-key: ${SECRET}`, inProgress: true }),
  'ReportHeaders with the secret in a header': ({ leases }, leaseId) =>
    leases.reportHeaders({ leaseId, statusCode: 200, headers: { ...headers, 'retry-after': SECRET }, inProgress: true }),
  RenewLease: ({ leases }, leaseId) => leases.renewLease({ leaseId }),
  MarkUnhealthy: ({ leases }, leaseId) =>
    leases.markUnhealthy({ target: { $case: 'leaseId', value: leaseId }, reason: UnhealthyReason.UNHEALTHY_REASON_BILLING }),
  ListPools: ({ admin }) => admin.listPools({}),
  ListKeys: ({ admin }) => admin.listKeys({}),
  GetKey: ({ admin }) => admin.getKey({ keyId }),
  ListLeases: ({ admin }) => admin.listLeases({}),
  ExplainAcquire: ({ admin }) => admin.explainAcquire({}),
  WatchKeys: async ({ admin }) => {
    for await (const message of admin.watchKeys({})) return message;
    return undefined;
  },
  MarkHealthy: ({ admin }) => admin.markHealthy({ keyId }),
  DrainKey: ({ admin }) => admin.drainKey({ keyId }),
  EnableKey: ({ admin }) => admin.enableKey({ keyId }),
  ReloadConfig: ({ admin }) => admin.reloadConfig({}),
  RevokeLease: ({ admin }, leaseId) => admin.revokeLease({ leaseId }),
  ReleaseLease: ({ leases }, leaseId) => leases.releaseLease({ leaseId }),
};

test('a secret is told in the credential of a granted lease, and in no other answer, refusal or line of the log', async () => {
  const keys = [keyOf('a', { secret: SECRET }), keyOf('b', { secret: `${SECRET}-b` })];
  const server = await startTestApp({ config: onePool(keys) });
  const granted = await server.leases.acquireKey({ requestId: 'r' });
  expect(granted.credential).toMatchObject({ secret: expect.stringContaining(SECRET), headerValue: expect.stringContaining(SECRET) });
  expect(found({ ...granted, credential: undefined })).toEqual([]);

  const told: unknown[] = [];
  for (const [name, call] of Object.entries(CALLS)) {
    const answer = await call(server, granted.lease!.leaseId).catch(({ code, details, extra }) => ({ code, details, extra }));
    expect([name, ...found(answer)]).toEqual([name]);
    told.push(answer);
  }
  expect(told).toHaveLength(Object.keys(CALLS).length);
  server.rewriteConfig(onePool([...keys, keyOf('c', { secret: SECRET, weight: SECRET })]));
  const { details, extra } = await server.admin.reloadConfig({}).catch((error) => error);
  expect(found({ details, extra })).toEqual([]);
  const files = await reflectionClient(server.address, 'v1').fileOf('keylease.v1.Credential');
  expect(found(files?.map((file) => file.toString('latin1')))).toEqual([]);
  expect(found(server.log)).toEqual([]);
});

test('on a LeaseStream the secret stands in acquire_key alone', async () => {
  const { leases } = await startTestApp({ config: onePool([keyOf('a', { secret: SECRET })]) });
  const replies: LeaseReply[] = [];
  const { promise: granted, resolve } = Promise.withResolvers<string>();
  async function* calls() {
    yield LeaseStreamRequest.fromPartial({ calls: [{ id: 1, call: { $case: 'acquireKey', value: {} } }] });
    const leaseId = await granted;
    yield LeaseStreamRequest.fromPartial({
      calls: [
        { id: 2, call: { $case: 'reportHeaders', value: { leaseId, statusCode: 401, headers } } },
        { id: 3, call: { $case: 'releaseLease', value: { leaseId } } },
        { id: 4, call: { $case: 'acquireKey', value: {} } },
      ],
    });
  }
  for await (const message of leases.leaseStream(calls())) {
    replies.push(...message.replies);
    for (const { reply } of message.replies) if (reply?.$case === 'acquireKey') resolve(reply.value.lease!.leaseId);
  }
  const [acquired, ...others] = replies.sort((a, b) => a.id - b.id);
  expect(found(acquired)).toContain(SECRET);
  expect(others.map(({ id }) => id)).toEqual([2, 3, 4]);
  expect(found(others)).toEqual([]);
});

test('the shapes are found where they are', () => {
  expect(SHAPES.filter((shape) => !found(SHAPES).includes(shape))).toEqual([]);
  expect(found(Buffer.from(`xy${SECRET}z`).toString('base64'))).toHaveLength(1);
  expect(found('innocent')).toEqual([]);
});
