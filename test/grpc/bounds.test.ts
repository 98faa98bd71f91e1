import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { type ConfigContent, keyOf, onePool, startTestApp } from '../support/app.ts';
import { rawCaller } from './raw.ts';
import { refusalOf } from './refusal.ts';

const ACQUIRE = '/keylease.v1.KeyLeaseService/AcquireKey';
const LEASE_STREAM = '/keylease.v1.KeyLeaseService/LeaseStream';

const bounded = (limits: ConfigContent, more: ConfigContent = {}) =>
  startTestApp({ config: { ...onePool([keyOf('a')]), limits, ...more } });

function metadataOf(pairs: number, value: string): Metadata {
  const metadata = new Metadata();
  for (let n = 0; n < pairs; n += 1) metadata.add(`x-${n}`, value);
  return metadata;
}

/** grpc-js sends `user-agent` of its own. */
const OWN_PAIRS = 1;

test.each<{ what: string; limits: ConfigContent; metadata: Metadata; answer: { status: string; message: string } }>([
  { what: '64 names', limits: {}, metadata: metadataOf(64 - OWN_PAIRS, 'v'), answer: { status: 'OK', message: '' } },
  {
    what: '65 names',
    limits: {},
    metadata: metadataOf(65 - OWN_PAIRS, 'v'),
    answer: { status: 'INVALID_ARGUMENT', message: '(metadata): has more than 64 names' },
  },
  { what: 'almost 8 KiB', limits: {}, metadata: metadataOf(1, 'v'.repeat(8_000)), answer: { status: 'OK', message: '' } },
  {
    what: '8 KiB and some',
    limits: {},
    metadata: metadataOf(1, 'v'.repeat(8_192)),
    answer: { status: 'INVALID_ARGUMENT', message: '(metadata): is longer than 8192 bytes' },
  },
  {
    what: 'more than the configuration allows',
    limits: { metadata_names: 4, metadata_bytes: 256 },
    metadata: metadataOf(4, 'v'.repeat(60)),
    answer: { status: 'INVALID_ARGUMENT', message: '(metadata): has more than 4 names; (metadata): is longer than 256 bytes' },
  },
])('metadata of $what is answered $answer.status', async ({ limits, metadata, answer }) => {
  const { address, leases } = await bounded(limits);
  expect(await rawCaller(address)(ACQUIRE, Buffer.alloc(0), metadata)).toMatchObject(answer);
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test.each<{ bound: string; limits: ConfigContent; report: object; status: string }>([
  { bound: 'reported_headers', limits: { reported_headers: 1 }, report: { headers: { a: '1', b: '2' } }, status: 'INVALID_ARGUMENT' },
  {
    bound: 'reported_header_bytes',
    limits: { reported_header_bytes: 256 },
    report: { headers: { a: 'v'.repeat(256) } },
    status: 'INVALID_ARGUMENT',
  },
  { bound: 'message_bytes', limits: { message_bytes: 2_048 }, report: { errorBody: 'e'.repeat(2_048) }, status: 'RESOURCE_EXHAUSTED' },
])('$bound is as configured', async ({ limits, report, status }) => {
  const { leases } = await bounded(limits);
  const { lease } = await leases.acquireKey({});
  const refused = await refusalOf(leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 500, ...report }));
  expect(refused.status).toBe(status);
});

test('error_body_characters is as configured', async () => {
  const { leases } = await bounded({ error_body_characters: 10 });
  const { lease } = await leases.acquireKey({});
  const errorBody = 'Your credit balance is too low';
  expect((await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 400, errorBody })).verdict).toBe(8);
});

/** An HTTP/2 connection of which the test sees every frame's effect. */
function http2To(address: string): ClientHttp2Session {
  const session = connectHttp2(`http://${address}`);
  onTestFinished(() => session.destroy());
  session.on('error', () => {});
  return session;
}

function open(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
  stream.on('error', () => {});
  return stream;
}

test.each([
  { what: 'nothing at all', path: ACQUIRE, sent: 0 },
  { what: 'half a frame', path: ACQUIRE, sent: 3 },
  { what: 'a whole message without an end', path: ACQUIRE, sent: 5 },
  { what: 'nothing to a stream of the server', path: '/keylease.v1.PoolAdminService/WatchKeys', sent: 0 },
  { what: 'nothing to a foreign service', path: '/grpc.health.v1.Health/Check', sent: 0 },
])('a caller that sends $what hears DEADLINE_EXCEEDED, and its stream is reset', async ({ path, sent }) => {
  const { address } = await bounded({ message_timeout: '100ms' });
  const stream = open(http2To(address), path);
  stream.write(Buffer.alloc(sent));
  const [headers] = await once(stream, 'response');
  expect(headers['grpc-status']).toBe('4');
  expect(decodeURI(headers['grpc-message'])).toBe('the message of the call did not arrive within 100 ms');
  stream.resume();
  await once(stream, 'close');
  expect(stream.rstCode).toBe(0);
});

test('a lease stream may be silent for as long as it likes', async () => {
  const { address, leases } = await bounded({ message_timeout: '100ms' });
  const session = http2To(address);
  const silent = open(session, LEASE_STREAM);
  let isAnswered = false;
  silent.once('response', () => {
    isAnswered = true;
  });
  const late = open(session, ACQUIRE);
  await once(late, 'response');
  expect([isAnswered, silent.closed]).toEqual([false, false]);
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('an answered call whose caller never ends its side is reset', async () => {
  const { address } = await startTestApp();
  const stream = open(http2To(address), '/keylease.v1.KeyLeaseService/NoSuchMethod');
  stream.write(Buffer.alloc(3));
  stream.resume();
  await once(stream, 'close');
  expect(stream.rstCode).toBe(0);
});

test('calls beyond the bound are refused until one of those under way ends', async () => {
  const { address, leases } = await bounded({ calls: 2 });
  const session = http2To(address);
  const streams = [open(session, LEASE_STREAM), open(session, LEASE_STREAM)];
  await expect.poll(async () => (await leases.acquireKey({}).catch(() => null)) === null).toBe(true);
  const refused = await refusalOf(leases.acquireKey({}));
  expect(refused).toMatchObject({ status: 'RESOURCE_EXHAUSTED', errorInfo: { reason: 'TOO_MANY_CALLS' } });
  streams[0]!.close();
  await expect.poll(async () => (await leases.acquireKey({}).catch(() => null))?.lease?.keyId).toBe('a');
});

test('a hundred calls one after the other count as one', async () => {
  const { leases } = await bounded({ calls: 1 });
  const statuses = new Set<string>();
  for (let n = 0; n < 100; n += 1) statuses.add((await refusalOf(leases.releaseLease({ leaseId: 'none' }))).status);
  expect([...statuses]).toEqual(['NOT_FOUND']);
});

/** A TCP connection that says nothing. */
function silent(address: string): Socket {
  const [host, port] = address.split(':');
  const socket = connect({ host: host as string, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  return socket.on('error', () => {}).resume();
}

test.each([
  { bound: 'connections', limits: { connections: 3 } },
  { bound: 'connections_per_peer', limits: { connections_per_peer: 3 } },
])('$bound: one more is turned away and logged once; when one leaves, one may come', async ({ limits }) => {
  const { address, log, connect: connectMore } = await bounded(limits);
  const taken = [silent(address), silent(address), silent(address)];
  await Promise.all(taken.map((socket) => once(socket, 'connect')));
  await Promise.all([once(silent(address), 'close'), once(silent(address), 'close')]);
  expect(log.filter(({ msg }) => String(msg).includes('turned away'))).toHaveLength(1);
  taken[0]!.destroy();
  const { leases } = connectMore();
  await expect.poll(async () => (await leases.acquireKey({}).catch(() => null))?.lease?.keyId, { timeout: 10_000 }).toBe('a');
});

test('connections on a unix socket are of no peer', async () => {
  const listen = `unix:${join(tmpdir(), `keylease-bounds-${process.pid}.sock`)}`;
  const { connect: connectMore } = await bounded({ connections_per_peer: 1 }, { listen });
  for (let n = 0; n < 3; n += 1) expect((await connectMore().leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('a connection that says nothing is closed', async () => {
  const { address } = await bounded({ handshake_timeout: '100ms' });
  await once(silent(address), 'close');
});

test('a connection that has spoken HTTP/2 is not', async () => {
  const { address } = await bounded({ handshake_timeout: '100ms' });
  const session = http2To(address);
  await once(silent(address), 'close');
  await once(silent(address), 'close');
  await new Promise<void>((resolve, reject) => session.ping((error) => (error === null ? resolve() : reject(error))));
});

test('a drain does not wait for a connection that says nothing', async () => {
  const { app, address } = await bounded({}, { drain_timeout: '200ms' });
  const socket = silent(address);
  await once(socket, 'connect');
  await Promise.all([once(socket, 'close'), app.close()]);
});
