import { expect, test } from 'vitest';
import { BadRequest, ErrorInfo, RetryInfo } from '../../src/generated/google/rpc/error_details.ts';
import type { LeaseReply } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { breakableStore } from '../service/stores.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';
import { acquire, type Call, leaseIdOf, openStream, release, waitForKey } from './lease-stream-client.ts';

const PATIENT = { waiting: { max_wait: '10m', max_waiters: 100_000 } };
/** Asked again and again until it is so. */
const SOON = { timeout: 10_000 };
const oneLease = onePool([keyOf('a', { max_leases: 1 })], PATIENT);

function errorOf(reply: LeaseReply['reply']) {
  if (reply?.$case !== 'error') throw new Error(`no error: ${JSON.stringify(reply)}`);
  return reply.value;
}

/** The details of an error by the name of their type, decoded. */
function detailsOf(reply: LeaseReply['reply']) {
  const found = new Map(
    errorOf(reply).details.map(({ typeUrl, value }) => [typeUrl.replace('type.googleapis.com/google.rpc.', ''), value]),
  );
  const bytes = (name: string) => found.get(name) ?? new Uint8Array();
  return {
    reason: ErrorInfo.decode(bytes('ErrorInfo')).reason,
    counts: ErrorInfo.decode(bytes('ErrorInfo')).metadata,
    fields: BadRequest.decode(bytes('BadRequest')).fieldViolations.map(({ field }) => field),
    retryDelay: RetryInfo.decode(bytes('RetryInfo')).retryDelay,
  };
}

test('every call of the service is answered by its own kind of reply, under its id', async () => {
  const { address } = await startTestApp();
  const stream = openStream(address);
  stream.send(acquire(), acquire(), acquire());
  await stream.received(3);
  const [reported, marked, released] = [1, 2, 3].map((id) => leaseIdOf(stream.reply(id)));
  const nothing = { headers: {}, errorBody: '', usage: undefined, requestTime: undefined, responseTime: undefined, inProgress: false };
  const calls: Call[] = [
    { $case: 'renewLease', value: { leaseId: reported as string, ttl: { seconds: 120, nanos: 0 } } },
    { $case: 'reportHeaders', value: { leaseId: reported as string, statusCode: 200, ...nothing } },
    release(released as string),
    {
      $case: 'markUnhealthy',
      value: { target: { $case: 'leaseId', value: marked as string }, pool: '', reason: 1, message: '', cooldown: undefined },
    },
  ];
  stream.send(...calls);
  await stream.received(7);
  expect([4, 5, 6, 7].map((id) => stream.reply(id)?.$case)).toEqual(calls.map(({ $case }) => $case));
});

test('the replies of one turn come in one message, and in the order in which they were ready', async () => {
  const { address } = await startTestApp();
  const stream = openStream(address);
  stream.send(...Array.from({ length: 30 }, () => acquire()));
  await stream.received(30);
  expect(stream.messages.map((batch) => batch.map(({ id }) => id))).toEqual([Array.from({ length: 30 }, (_, n) => n + 1)]);
});

test.each<{ what: string; call: Call | undefined; code: number; details: object }>([
  { what: 'an unknown pool', call: acquire({ pool: 'nowhere' }), code: 5, details: { reason: 'NOT_FOUND' } },
  { what: 'an unknown lease', call: release('made-up'), code: 5, details: { reason: 'NOT_FOUND' } },
  {
    what: 'an invalid field',
    call: acquire({ ttl: { seconds: -1, nanos: 0 }, model: 'm'.repeat(300) }),
    code: 3,
    details: { fields: ['model', 'ttl'] },
  },
  { what: 'a lease id left out', call: release(''), code: 3, details: { fields: ['lease_id'] } },
  { what: 'a call left out', call: undefined, code: 3, details: { fields: ['call'] } },
  {
    what: 'no key with room',
    call: acquire(),
    code: 8,
    details: { reason: 'ALL_KEYS_EXHAUSTED', counts: { no_room: '1' }, retryDelay: { seconds: expect.any(Number) } },
  },
])('$what is an error of this call alone, with details that a program can read', async ({ call, code, details }) => {
  const { address } = await startTestApp({ config: oneLease });
  const stream = openStream(address);
  stream.send(acquire(), call, acquire({ pool: 'default', maxWait: { seconds: 0, nanos: 0 } }));
  await stream.received(3);
  expect(stream.reply(1)?.$case).toBe('acquireKey');
  expect(errorOf(stream.reply(2)).code).toBe(code);
  expect(detailsOf(stream.reply(2))).toMatchObject(details);
  expect(detailsOf(stream.reply(3))).toMatchObject({ reason: 'ALL_KEYS_EXHAUSTED' });
});

test('calls that wait in line do not hold up those that come after them, and are answered when room opens', async () => {
  const { address, admin } = await startTestApp({ config: oneLease });
  const stream = openStream(address);
  stream.send(acquire(), ...Array.from({ length: 500 }, () => waitForKey()));
  await stream.received(1);
  stream.send(acquire({ pool: 'nowhere' }), { $case: 'renewLease', value: { leaseId: leaseIdOf(stream.reply(1)), ttl: undefined } });
  await stream.received(3);
  expect([stream.reply(502)?.$case, stream.reply(503)?.$case]).toEqual(['error', 'renewLease']);
  expect((await admin.listPools({})).pools[0]?.waiting).toBe(500);
  stream.send(release(leaseIdOf(stream.reply(1))));
  await stream.received(5);
  expect([stream.reply(504)?.$case, stream.reply(2)?.$case]).toEqual(['releaseLease', 'acquireKey']);
  expect((await admin.listPools({})).pools[0]?.waiting).toBe(499);
});

test('a caller who is done is answered everything that is outstanding, and then the stream ends well', async () => {
  const { address, leases } = await startTestApp({ config: oneLease });
  const { lease } = await leases.acquireKey({});
  const stream = openStream(address);
  stream.send(waitForKey(), waitForKey({ maxWait: { seconds: 0, nanos: 50_000_000 } }), acquire({ pool: 'nowhere' }));
  stream.raw.end();
  await stream.received(2);
  expect([stream.reply(1), stream.reply(2)?.$case, stream.reply(3)?.$case]).toEqual([undefined, 'error', 'error']);
  await leases.releaseLease({ leaseId: lease?.leaseId ?? '' });
  expect(await stream.ended()).toEqual({ status: 'OK', details: 'OK' });
  expect(stream.reply(1)?.$case).toBe('acquireKey');
});

test('a caller who is done before it has begun is told that all is well', async () => {
  const { address } = await startTestApp();
  const stream = openStream(address);
  stream.raw.end();
  expect(await stream.ended()).toEqual({ status: 'OK', details: 'OK' });
});

test('a stream that breaks ends no lease; its calls leave the line, and nothing of it is left', async () => {
  const { address, admin, app } = await startTestApp({ config: onePool([keyOf('a', { max_leases: 3 })], PATIENT) });
  const [breaking, staying] = [openStream(address), openStream(address)];
  breaking.send(acquire(), acquire(), acquire(), ...Array.from({ length: 200 }, () => waitForKey()));
  await breaking.received(3);
  staying.send(waitForKey());
  const waiting = async () => (await admin.listPools({})).pools[0]?.waiting;
  await expect.poll(waiting, SOON).toBe(201);
  breaking.raw.cancel();
  await expect.poll(waiting, SOON).toBe(1);
  expect((await admin.getKey({ keyId: 'a' })).key?.activeLeases).toBe(3);
  staying.send(release(leaseIdOf(breaking.reply(1))));
  await staying.received(2);
  expect(staying.reply(1)?.$case).toBe('acquireKey');
  expect((await admin.getKey({ keyId: 'a' })).key?.activeLeases).toBe(3);
  staying.raw.end();
  await staying.ended();
  const started = performance.now();
  await app.close();
  expect(performance.now() - started).toBeLessThan(5_000);
});

test('a drain answers those who wait, ends the stream, and is over as soon as that is done', async () => {
  const { address, app, leases, admin } = await startTestApp({ config: { ...oneLease, drain_timeout: '60s' } });
  await leases.acquireKey({});
  const streams = [openStream(address), openStream(address)];
  for (const stream of streams) stream.send(...Array.from({ length: 100 }, () => waitForKey()));
  await expect.poll(async () => (await admin.listPools({})).pools[0]?.waiting, SOON).toBe(200);
  const started = performance.now();
  await app.close();
  expect(performance.now() - started).toBeLessThan(10_000);
  for (const stream of streams) {
    expect(await stream.ended()).toEqual({ status: 'UNAVAILABLE', details: 'the server is shutting down' });
    const replies = Array.from({ length: 100 }, (_, n) => stream.reply(n + 1));
    expect(replies.map((reply) => [errorOf(reply).code, detailsOf(reply).reason])).toEqual(replies.map(() => [14, 'DRAINING']));
  }
});

test('a drain ends a stream on which nothing is under way at once', async () => {
  const { address, app } = await startTestApp({ config: { ...oneLease, drain_timeout: '60s' } });
  const stream = openStream(address);
  stream.send(acquire());
  await stream.received(1);
  await app.close();
  expect((await stream.ended()).status).toBe('UNAVAILABLE');
});

test.each([
  { what: 'bytes that are no message', bytes: Buffer.from([0xff, 0xff, 0xff]), status: 'INVALID_ARGUMENT' },
  { what: 'a message above 64 KiB', bytes: Buffer.alloc(65 * 1_024), status: 'RESOURCE_EXHAUSTED' },
])('$what ends the stream, its calls leave the line, and the server lives on', async ({ bytes, status }) => {
  const { address, admin, leases } = await startTestApp({ config: oneLease });
  const stream = openStream(address);
  stream.send(acquire(), waitForKey({ maxWait: { seconds: 0, nanos: 200_000_000 } }));
  await stream.received(1);
  stream.sendBytes(bytes);
  expect((await stream.ended()).status).toBe(status);
  await expect.poll(async () => (await admin.listPools({})).pools[0]?.waiting, SOON).toBe(0);
  await leases.releaseLease({ leaseId: leaseIdOf(stream.reply(1)) });
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('a store that is lost answers those who wait on a stream, and the stream goes on', async () => {
  const { store, breakDisk } = breakableStore();
  const { address, admin, leases } = await startTestApp({ config: oneLease, store });
  const { lease } = await leases.acquireKey({});
  const stream = openStream(address);
  stream.send(...Array.from({ length: 100 }, () => waitForKey()));
  await expect.poll(async () => (await admin.listPools({})).pools[0]?.waiting, SOON).toBe(100);
  breakDisk();
  stream.send(release(lease?.leaseId ?? ''), waitForKey());
  await stream.received(102);
  const replies = Array.from({ length: 102 }, (_, n) => stream.reply(n + 1));
  expect(replies.map((reply) => [errorOf(reply).code, detailsOf(reply).reason])).toEqual(replies.map(() => [14, 'STORE_LOST']));
  stream.send(acquire({ pool: 'nowhere' }));
  await stream.received(103);
  expect(errorOf(stream.reply(103)).code).toBe(5);
});

test('a client of another make leases, renews and gives back on one stream', async () => {
  const { leases, admin } = await startTestApp();
  const { promise: leaseId, resolve } = Promise.withResolvers<string>();
  const message = (id: number, call: Call) => ({ calls: [{ id, call }] });
  async function* calls() {
    yield message(1, acquire());
    yield message(2, { $case: 'renewLease', value: { leaseId: await leaseId, ttl: undefined } });
    yield message(3, release(await leaseId));
  }
  const kinds: unknown[] = [];
  for await (const { replies } of leases.leaseStream(calls())) {
    for (const { id, reply } of replies) {
      kinds.push([id, reply?.$case]);
      if (reply?.$case === 'acquireKey') resolve(reply.value.lease?.leaseId ?? '');
    }
  }
  expect(kinds).toEqual([
    [1, 'acquireKey'],
    [2, 'renewLease'],
    [3, 'releaseLease'],
  ]);
  expect((await admin.getKey({ keyId: 'a' })).key?.activeLeases).toBe(0);
});

test('streams and single calls side by side get one lease each, and all the same kind of answer', async () => {
  const { address, leases, admin } = await startTestApp({ config: onePool([keyOf('a', { max_leases: 600 })], PATIENT) });
  const streams = [openStream(address), openStream(address)];
  const single = Array.from({ length: 200 }, () => leases.acquireKey({}));
  for (const stream of streams) for (let n = 0; n < 20; n += 1) stream.send(...Array.from({ length: 10 }, () => acquire()));
  await Promise.all(streams.map((stream) => stream.received(200)));
  const ids = [
    ...(await Promise.all(single)).map(({ lease }) => lease?.leaseId),
    ...streams.flatMap((stream) => Array.from({ length: 200 }, (_, n) => leaseIdOf(stream.reply(n + 1)))),
  ];
  expect(new Set(ids).size).toBe(600);
  expect((await admin.getKey({ keyId: 'a' })).key?.activeLeases).toBe(600);
  expect((await admin.listPools({})).pools[0]?.waiting).toBe(0);
});
