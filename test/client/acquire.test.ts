import { ClientError, Status } from 'nice-grpc';
import { expect, test, vi } from 'vitest';
import { acquireKey } from '../../src/client/acquire.ts';
import type { Service } from '../../src/client/connection.ts';
import { KeyLeaseRefused, KeyLeaseUnavailable } from '../../src/client/index.ts';
import type { AcquireKeyRequest } from '../../src/generated/keylease/v1/key_lease_service.ts';

type Answering = (signal: AbortSignal) => Promise<unknown>;

const GRANTED = { lease: { leaseId: 'lease' }, credential: { secret: 'secret' } };
const grant: Answering = async () => GRANTED;
const fail =
  (code: Status): Answering =>
  async () => {
    throw new ClientError('/keylease.v1.KeyLeaseService/AcquireKey', code, 'no');
  };
/** Answers when the caller has left, as if the answer had been on its way. */
const silent: Answering = (signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new DOMException('left', 'AbortError'))));

const PATIENT = { deadlineMs: 10_000, triesMax: 10 };

/** A server that answers in turn, the last answer for good. */
function fakeServer(...answers: readonly Answering[]) {
  const requests: AcquireKeyRequest[] = [];
  const released: string[] = [];
  const service = {
    acquireKey(request: AcquireKeyRequest, { signal }: { signal: AbortSignal }) {
      requests.push(request);
      return answers[Math.min(requests.length, answers.length) - 1]!(signal);
    },
    releaseLease: async ({ leaseId }: { leaseId: string }) => void released.push(leaseId),
  } as unknown as Service;
  return { service, requests, released };
}

test('a server that is away for a moment is asked again, by the same request id', async () => {
  const { service, requests } = fakeServer(fail(Status.UNAVAILABLE), fail(Status.UNAVAILABLE), grant);
  expect(await acquireKey(service, PATIENT, {}, {}, [])).toEqual(GRANTED);
  expect(requests).toHaveLength(3);
  expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(1);
});

test.each([
  ['as often as the caller wants', { deadlineMs: 5_000, triesMax: 3 }, 3],
  ['until the deadline', { deadlineMs: 160, triesMax: Number.POSITIVE_INFINITY }, 3],
])('a server that stays away is asked %s', async (_name, patience, triesMax) => {
  const { service, requests } = fakeServer(fail(Status.UNAVAILABLE));
  await expect(acquireKey(service, patience, {}, {}, [])).rejects.toThrow(KeyLeaseUnavailable);
  expect(requests.length).toBeGreaterThan(0);
  expect(requests.length).toBeLessThanOrEqual(triesMax);
});

test('a refusal is an answer', async () => {
  const { service, requests } = fakeServer(fail(Status.RESOURCE_EXHAUSTED));
  await expect(acquireKey(service, PATIENT, {}, {}, [])).rejects.toMatchObject({ name: 'KeyLeaseRefused', reason: 'RESOURCE_EXHAUSTED' });
  expect(requests).toHaveLength(1);
});

test('two calls are two requests', async () => {
  const { service, requests } = fakeServer(grant);
  await acquireKey(service, PATIENT, {}, {}, []);
  await acquireKey(service, PATIENT, {}, {}, []);
  expect(new Set(requests.map(({ requestId }) => requestId)).size).toBe(2);
});

test('a server that does not answer in time is not there, and the lease that it granted late is given back', async () => {
  const { service, requests, released } = fakeServer(silent, grant);
  await expect(acquireKey(service, { ...PATIENT, deadlineMs: 20 }, {}, {}, [])).rejects.toThrow(KeyLeaseRefused);
  await vi.waitUntil(() => released.length === 1);
  expect(released).toEqual(['lease']);
  expect(requests[1]).toEqual(requests[0]);
});

test('a caller that leaves hears its own reason, and the lease that was granted late is given back', async () => {
  const { service, released } = fakeServer(silent, grant);
  const leave = new AbortController();
  const asked = acquireKey(service, PATIENT, { signal: leave.signal }, {}, []);
  leave.abort(new Error('enough'));
  await expect(asked).rejects.toThrow('enough');
  await vi.waitUntil(() => released.length === 1);
});

test('what was asked for is what is sent', async () => {
  const { service, requests } = fakeServer(grant);
  const options = { pool: 'p', maxWaitMs: 1_500, ttlMs: 30_000, affinity: 'chat', priority: 3 };
  await acquireKey(service, PATIENT, options, { model: 'm', inputTokens: 1.2, outputTokens: 5, requests: 2 }, ['a']);
  expect(requests[0]).toMatchObject({
    ...{ pool: 'p', model: 'm', affinity: 'chat', priority: 3, requests: 2, excludeKeyIds: ['a'] },
    ...{ estimatedInputTokens: 2, estimatedOutputTokens: 5 },
    ...{ maxWait: { seconds: 1, nanos: 500_000_000 }, ttl: { seconds: 30, nanos: 0 } },
  });
});
