import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { type Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { connect, targetOf } from '../../src/client/connection.ts';
import { createKeyLease, type TlsOptions } from '../../src/client/index.ts';
import { KeyLeaseServiceService } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';
import { makeAuthority } from '../support/pki.ts';

test.each([
  ['127.0.0.1:50051', '127.0.0.1:50051'],
  ['keylease.internal:50051', 'keylease.internal:50051'],
  ['[::1]:50051', '[::1]:50051'],
  ['unix:/run/keylease.sock', 'unix:///run/keylease.sock'],
  ['unix:///run/keylease.sock', 'unix:///run/keylease.sock'],
  ['unix:keylease.sock', `unix://${process.cwd()}/keylease.sock`],
  ['dns:///keylease.internal:50051', 'dns:///keylease.internal:50051'],
])('%s is dialled as %s', (address, target) => {
  expect(targetOf(address)).toBe(target);
});

test.each(['', '50051', 'keylease.internal', 'http://127.0.0.1:50051', 'unix:', 'a b:1'])(
  '%j is no address, and what is one is said',
  (address) => {
    expect(() => createKeyLease({ address })).toThrow(/is no address of a server: expected host:port or unix:\/path/);
  },
);

test('a certificate without its key is a mistake', () => {
  expect(() => createKeyLease({ address: 'localhost:1', tls: { cert: 'pem' } })).toThrow(/cert and key belong together/);
});

test('a server on a unix socket is found by the address that it prints', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-client-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { address } = await startTestApp({ config: { ...onePool([keyOf('a')]), listen: `unix:${folder}/a.sock` } });
  const client = createKeyLease({ address });
  onTestFinished(() => client.close());
  expect(await client.withKey('default', {}, (key) => key.secret)).toBe('secret-of-a');
});

/** A server that answers every release, and keeps what it was sent. */
async function bareServer(credentials: ServerCredentials) {
  const received: Metadata[] = [];
  const server = new Server();
  const handlers = Object.keys(KeyLeaseServiceService).map((name) => [
    name,
    (call: { metadata: Metadata }, callback: (error: null, value: object) => void) => {
      received.push(call.metadata);
      callback(null, { lease: undefined });
    },
  ]);
  server.addService(KeyLeaseServiceService, Object.fromEntries(handlers));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  );
  onTestFinished(() => server.forceShutdown());
  return { port, received };
}

test('a server is believed by its certificate, whose name the options may give', async () => {
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue({ names: [{ type: 'dns', value: 'keylease.internal' }] });
  const { port } = await bareServer(ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }]));
  const release = (tls: TlsOptions | true) => {
    const connection = connect({ address: `127.0.0.1:${port}`, tls });
    onTestFinished(() => connection.close());
    return connection.service.releaseLease({ leaseId: 'a' });
  };
  expect(await release({ ca: authority.pem, serverName: 'keylease.internal' })).toEqual({ lease: undefined });
  await expect(release({ ca: authority.pem })).rejects.toThrow(/UNAVAILABLE/);
  await expect(release(true)).rejects.toThrow(/UNAVAILABLE/);
});

test.each([
  { host: '127.0.0.1', asked: false },
  { host: 'localhost', asked: 'localhost' },
])('a server at $host is asked for by name: $asked', async ({ host, asked }) => {
  const authority = await makeAuthority();
  const names: unknown[] = [];
  const server = createServer({ ...(await authority.issue()), ALPNProtocols: ['h2'] }, (socket) => {
    names.push(socket.servername);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const connection = connect({ address: `${host}:${(server.address() as AddressInfo).port}`, tls: { ca: authority.pem } });
  onTestFinished(() => connection.close());
  await expect(connection.service.releaseLease({ leaseId: 'a' })).rejects.toThrow(/UNAVAILABLE/);
  expect(names[0]).toBe(asked);
});

test('an address is not believed with the certificate of another one', async () => {
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue({ names: [{ type: 'ip', value: '10.0.0.9' }] });
  const { port } = await bareServer(ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }]));
  const connection = connect({ address: `127.0.0.1:${port}`, tls: { ca: authority.pem } });
  onTestFinished(() => connection.close());
  await expect(connection.service.releaseLease({ leaseId: 'a' })).rejects.toThrow(/UNAVAILABLE.*10\.0\.0\.9/s);
});

test('a client shows its certificate where it is asked for one', async () => {
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue();
  const { port } = await bareServer(
    ServerCredentials.createSsl(Buffer.from(authority.pem), [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }], true),
  );
  const release = (own: TlsOptions) => {
    const connection = connect({ address: `localhost:${port}`, tls: { ca: authority.pem, ...own } });
    onTestFinished(() => connection.close());
    return connection.service.releaseLease({ leaseId: 'a' });
  };
  expect(await release(await authority.issue({ commonName: 'caller' }))).toEqual({ lease: undefined });
  await expect(release({})).rejects.toThrow(/UNAVAILABLE/);
});

test('a token goes with every call, and a function is asked each time', async () => {
  const { port, received } = await bareServer(ServerCredentials.createInsecure());
  let count = 0;
  const connection = connect({ address: `127.0.0.1:${port}`, token: async () => `token-${++count}` });
  onTestFinished(() => connection.close());
  await connection.service.releaseLease({ leaseId: 'a' });
  await connection.service.releaseLease({ leaseId: 'a' });
  expect(received.map((metadata) => metadata.get('authorization'))).toEqual([['Bearer token-1'], ['Bearer token-2']]);
});
