import { ChannelCredentials, Client, status as codes, Metadata, type ServiceError } from '@grpc/grpc-js';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { BadRequest } from '../../src/generated/google/rpc/error_details.ts';
import { Status } from '../../src/generated/google/rpc/status.ts';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { AcquireKeyRequest } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { type Connection, keyOf, onePool, startTestApp } from '../support/app.ts';
import { field, rawCaller } from './raw.ts';
import { fieldsOf, refusalOf } from './refusal.ts';

const ACQUIRE = '/keylease.v1.KeyLeaseService/AcquireKey';
const REPORT = '/keylease.v1.KeyLeaseService/ReportHeaders';
const EXPLAIN = '/keylease.v1.PoolAdminService/ExplainAcquire';
const MAX_SAFE = 2n ** 53n - 1n;

test.each([
  { what: 'an estimate above 2^53', path: ACQUIRE, message: field.varint(3, MAX_SAFE + 1n), names: 'estimated_input_tokens' },
  { what: 'an estimate of 2^64 - 1', path: ACQUIRE, message: field.varint(4, 2n ** 64n - 1n), names: 'estimated_output_tokens' },
  {
    what: 'usage above 2^53',
    path: REPORT,
    message: field.bytes(5, field.varint(3, 2n ** 60n)),
    names: 'usage.cache_read_input_tokens',
  },
  {
    what: 'seconds of a time below -2^53',
    path: REPORT,
    message: field.bytes(6, field.varint(1, -(2n ** 62n))),
    names: 'request_time.seconds',
  },
  { what: 'seconds of a span above 2^53', path: ACQUIRE, message: field.bytes(6, field.varint(1, 2n ** 60n)), names: 'ttl.seconds' },
  {
    what: 'an estimate above 2^53 in a request to explain',
    path: EXPLAIN,
    message: field.bytes(1, field.varint(3, 2n ** 53n)),
    names: 'acquire_key.estimated_input_tokens',
  },
])('$what is INVALID_ARGUMENT that names the field', async ({ path, message, names }) => {
  const call = rawCaller((await startTestApp()).address);
  const answer = await call(path, message);
  expect(answer.status).toBe('INVALID_ARGUMENT');
  expect(answer.message).toContain(`${names}: must lie between`);
});

test('of a thousand numbers that are too large in one message of a stream, as many are named as fit', async () => {
  const { address } = await startTestApp();
  const call = field.bytes(1, field.bytes(2, field.varint(3, 2n ** 60n)));
  const { status, message, fields, bytes } = await rawStream(address, Buffer.concat(Array(1_000).fill(call)));
  expect(status).toBe('INVALID_ARGUMENT');
  expect(message).toContain('calls[0].acquire_key.estimated_input_tokens: must lie between');
  expect(message).toContain('and 995 more');
  expect(fields.slice(0, 2)).toEqual(['calls[0].acquire_key.estimated_input_tokens', 'calls[1].acquire_key.estimated_input_tokens']);
  expect(bytes).toBeLessThanOrEqual(4_096);
});

/** Sends bytes as a message of a LeaseStream; answers how the stream ended. */
function rawStream(address: string, message: Buffer) {
  const client = new Client(address, ChannelCredentials.createInsecure());
  onTestFinished(() => client.close());
  const same = (bytes: Buffer) => bytes;
  const stream = client.makeBidiStreamRequest('/keylease.v1.KeyLeaseService/LeaseStream', same, same);
  stream.on('data', () => {});
  stream.write(message);
  return new Promise<{ status: string; message: string; fields: string[]; bytes: number }>((resolve) => {
    stream.once('error', (error: ServiceError) => {
      const [details] = error.metadata.get('grpc-status-details-bin') as [Buffer];
      const badRequest = Status.decode(details).details.find(({ typeUrl }) => typeUrl.endsWith('BadRequest'));
      const fields = BadRequest.decode(badRequest?.value ?? new Uint8Array()).fieldViolations.map((violation) => violation.field);
      resolve({ status: codes[error.code], message: error.details, fields, bytes: details.length });
    });
  });
}

test('digits in a text field are not taken for a number that is too large', async () => {
  const call = rawCaller((await startTestApp()).address);
  const message = Buffer.concat([field.bytes(1, Buffer.from('99999999999999999999')), field.varint(3, 2n ** 60n)]);
  expect((await call(ACQUIRE, message)).message).toBe('estimated_input_tokens: must lie between -(2^53 - 1) and 2^53 - 1');
});

const TIME = { seconds: 1_800_000_000, nanos: 0 };

test.each<{ what: string; call: (server: Connection, leaseId: string) => Promise<unknown>; names: string[] }>([
  {
    what: 'a time before year 1',
    call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, requestTime: { seconds: -62_135_596_801, nanos: 0 } }),
    names: ['request_time'],
  },
  {
    what: 'a time after year 9999',
    call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, responseTime: { seconds: 253_402_300_800, nanos: 0 } }),
    names: ['response_time'],
  },
  {
    what: 'a time with negative nanos',
    call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, requestTime: { ...TIME, nanos: -1 } }),
    names: ['request_time'],
  },
  {
    what: 'a time with a thousand million nanos',
    call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, responseTime: { ...TIME, nanos: 1_000_000_000 } }),
    names: ['response_time'],
  },
  { what: 'a negative ttl', call: ({ leases }) => leases.acquireKey({ ttl: { seconds: -1, nanos: 0 } }), names: ['ttl'] },
  { what: 'a ttl of nothing', call: ({ leases }) => leases.acquireKey({ ttl: { seconds: 0, nanos: 0 } }), names: ['ttl'] },
  { what: 'a ttl with two signs', call: ({ leases }) => leases.acquireKey({ ttl: { seconds: 1, nanos: -1 } }), names: ['ttl'] },
  {
    what: 'a ttl out of range',
    call: ({ leases }) => leases.acquireKey({ ttl: { seconds: 315_576_000_001, nanos: 0 } }),
    names: ['ttl'],
  },
  {
    what: 'a span with too many nanos',
    call: ({ leases }) => leases.acquireKey({ maxWait: { seconds: 0, nanos: 1_000_000_000 } }),
    names: ['max_wait'],
  },
  { what: 'a status below 100', call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, statusCode: 99 }), names: ['status_code'] },
  { what: 'a status above 599', call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, statusCode: 600 }), names: ['status_code'] },
  { what: 'a negative status', call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, statusCode: -200 }), names: ['status_code'] },
  {
    what: 'more than 256 headers',
    call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, headers: manyHeaders(257, 'v') }),
    names: ['headers'],
  },
  {
    what: 'headers of more than 16 KiB',
    call: ({ leases }, leaseId) => leases.reportHeaders({ leaseId, headers: manyHeaders(2, 'v'.repeat(8_192)) }),
    names: ['headers'],
  },
  { what: 'a report on no lease', call: ({ leases }) => leases.reportHeaders({}), names: ['lease_id'] },
  { what: 'a renewal of no lease', call: ({ leases }) => leases.renewLease({ ttl: { seconds: 0, nanos: 0 } }), names: ['lease_id', 'ttl'] },
  { what: 'a release of no lease', call: ({ leases }) => leases.releaseLease({}), names: ['lease_id'] },
  { what: 'a revocation of no lease', call: ({ admin }) => admin.revokeLease({}), names: ['lease_id'] },
  { what: 'no key to show', call: ({ admin }) => admin.getKey({}), names: ['key_id'] },
  { what: 'a mark on nothing, for no reason', call: ({ leases }) => leases.markUnhealthy({}), names: ['reason', 'target'] },
  {
    what: 'a mark for a reason that does not exist, with too much to say',
    call: ({ leases }) =>
      leases.markUnhealthy({
        target: { $case: 'keyId', value: 'a' },
        reason: 77 as UnhealthyReason,
        message: 'é'.repeat(513),
        cooldown: { seconds: -5, nanos: 0 },
      }),
    names: ['cooldown', 'message', 'reason'],
  },
  { what: 'a negative page', call: ({ admin }) => admin.listKeys({ pageSize: -1 }), names: ['page_size'] },
])('$what is INVALID_ARGUMENT that names $names', async ({ call, names }) => {
  const server = await startTestApp();
  const { lease } = await server.leases.acquireKey({});
  const refused = await refusalOf(call(server, lease!.leaseId));
  expect(refused.status).toBe('INVALID_ARGUMENT');
  expect(fieldsOf(refused).sort()).toEqual(names);
});

test('numbers at the edge of what is allowed leave a server whose every answer can be read', async () => {
  const most = Number.MAX_SAFE_INTEGER;
  const usage = { inputTokens: most, outputTokens: most, cacheReadInputTokens: most, cacheCreationInputTokens: most };
  const headers = { 'anthropic-ratelimit-input-tokens-limit': String(most), 'anthropic-ratelimit-input-tokens-remaining': '1' };
  const forever = { seconds: 315_576_000_000, nanos: 999_999_999 };
  const { leases, admin } = await startTestApp({ config: onePool([keyOf('a'), keyOf('b')]) });
  const demand = { requests: 2 ** 32 - 1, estimatedInputTokens: most, estimatedOutputTokens: most, ttl: forever, priority: -(2 ** 31) };
  const granted = [];
  for (let n = 0; n < 8; n += 1) granted.push((await leases.acquireKey(demand)).lease!.leaseId);
  for (const leaseId of granted) {
    const inProgress = leaseId === granted[0];
    const requestTime = { seconds: -62_135_596_800, nanos: 0 };
    await leases.reportHeaders({
      leaseId,
      statusCode: 200,
      headers,
      usage,
      inProgress,
      requestTime,
      responseTime: { seconds: 253_402_300_799, nanos: 0 },
    });
  }
  await leases.markUnhealthy({
    target: { $case: 'keyId', value: 'b' },
    reason: UnhealthyReason.UNHEALTHY_REASON_OVERLOADED,
    cooldown: forever,
  });
  const { keys } = await admin.listKeys({});
  const yearBeyond = keys.filter(({ availableTime }) => (availableTime?.seconds ?? 0) > 253_402_300_799);
  expect(yearBeyond).toEqual([]);
  const explained = await admin.explainAcquire({ acquireKey: { requests: 2 ** 32 - 1 } });
  expect(explained.reservedInputTokens).toBeLessThanOrEqual(most);
  expect((await admin.listLeases({})).leases.length).toBeGreaterThan(0);
  expect((await admin.drainKey({ keyId: 'a' })).key?.keyId).toBe('a');
});

test.each([
  { what: 'an emoji', name: '😀'.repeat(100) },
  { what: 'an emoji that the cut would split', name: `x${'😀'.repeat(100)}` },
  { what: 'control characters', name: '\u0000\r\n\t\u007f'.repeat(20) },
  { what: 'a percent sign', name: '%zz%'.repeat(30) },
])('a name of $what is refused as any other', async ({ name }) => {
  const { leases, admin } = await startTestApp();
  expect((await refusalOf(leases.acquireKey({ pool: name }))).status).toBe('NOT_FOUND');
  expect((await refusalOf(admin.getKey({ keyId: name }))).status).toBe('NOT_FOUND');
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a name like any other', async (name) => {
  const { leases, admin } = await startTestApp();
  const { lease } = await leases.acquireKey({ model: name, affinity: name, requestId: name, excludeKeyIds: [name] });
  const headers = Object.fromEntries([
    [name, '1'],
    ['anthropic-ratelimit-requests-limit', '50'],
    ['anthropic-organization-id', name],
  ]);
  await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200, headers });
  expect((await refusalOf(leases.acquireKey({ pool: name }))).status).toBe('NOT_FOUND');
  expect((await refusalOf(admin.getKey({ keyId: name }))).status).toBe('NOT_FOUND');
  expect((await admin.listKeys({})).keys).toHaveLength(1);
});

test('bytes that are no message are INVALID_ARGUMENT, and the server lives', async () => {
  const { address, leases } = await startTestApp();
  const call = rawCaller(address);
  const truncated = AcquireKeyRequest.encode(AcquireKeyRequest.fromPartial({ pool: 'default', model: 'm' }))
    .finish()
    .slice(0, -1);
  for (const message of [truncated, Buffer.from([0xff]), Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])]) {
    expect(await call(ACQUIRE, message)).toMatchObject({ status: 'INVALID_ARGUMENT' });
  }
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

const PATHS = ['AcquireKey', 'ReportHeaders', 'MarkUnhealthy', 'RenewLease', 'ReleaseLease'].map(
  (name) => `/keylease.v1.KeyLeaseService/${name}`,
);

test('random bytes are never a fault', async () => {
  const { address, leases, log } = await startTestApp();
  const call = rawCaller(address);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PATHS), fc.uint8Array({ maxLength: 64 }), async (path, bytes) => {
      expect(['OK', 'INVALID_ARGUMENT', 'NOT_FOUND', 'RESOURCE_EXHAUSTED']).toContain((await call(path, bytes)).status);
    }),
    { numRuns: 400 },
  );
  expect(log.filter(({ level }) => (level as number) >= 50)).toEqual([]);
  expect((await leases.acquireKey({ ttl: { seconds: 1, nanos: 0 } })).lease?.keyId).toBe('a');
});

test('a message above 64 KiB is refused, one just below is read', async () => {
  const { leases } = await startTestApp();
  const { lease } = await leases.acquireKey({});
  const report = (length: number) =>
    leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 500, errorBody: 'e'.repeat(length), inProgress: true });
  expect((await report(65_000)).lease?.leaseId).toBe(lease!.leaseId);
  expect((await refusalOf(report(70_000))).status).toBe('RESOURCE_EXHAUSTED');
  expect((await report(10)).lease?.leaseId).toBe(lease!.leaseId);
});

test('of an error body 16 KiB are read', async () => {
  const { leases } = await startTestApp();
  const verdictOf = async (errorBody: string) => {
    const { lease } = await leases.acquireKey({});
    return (await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 400, errorBody })).verdict;
  };
  const tooLate = await verdictOf(`${' '.repeat(16_384)}Your credit balance is too low`);
  const inTime = await verdictOf(`${' '.repeat(16_000)}Your credit balance is too low`);
  expect([tooLate, inTime]).toEqual([8, 5]);
});

test('metadata of 200 KB does no harm to others', async () => {
  const { address, leases } = await startTestApp();
  const metadata = new Metadata();
  for (let n = 0; n < 50; n += 1) metadata.set(`x-padding-${n}`, 'p'.repeat(4_000));
  const answer = await rawCaller(address)(ACQUIRE, Buffer.alloc(0), metadata);
  expect(answer.status).not.toBe('OK');
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('a method that does not exist is UNIMPLEMENTED', async () => {
  const call = rawCaller((await startTestApp()).address);
  expect((await call('/keylease.v1.KeyLeaseService/GiveMeAll', Buffer.alloc(0))).status).toBe('UNIMPLEMENTED');
});

function manyHeaders(count: number, value: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, value]));
}
