import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { healthClient } from '../grpc/health.ts';
import { refusalOf } from '../grpc/refusal.ts';
import { breakableStore, learningStore } from '../service/stores.ts';
import { keyOf, onePool, startTestApp } from '../support/app.ts';

const config = { ...onePool([keyOf('a')]), ops: { listen: '127.0.0.1:0' } };

async function opsAddress(): Promise<string> {
  return (await startTestApp({ config })).app.opsAddress as string;
}

/** Sends a request line as it stands; answers with all that comes back. */
async function raw(address: string, request: string): Promise<string> {
  const [host, port] = address.split(':') as [string, string];
  const socket = connect(Number(port), host);
  socket.end(`${request}\r\nhost: x\r\nconnection: close\r\n\r\n`);
  return text(socket);
}

test.each([
  { method: 'GET', path: '/healthz', status: 200 },
  { method: 'HEAD', path: '/healthz', status: 200 },
  { method: 'GET', path: '/readyz', status: 200 },
  { method: 'GET', path: '/readyz?verbose=1', status: 200 },
  { method: 'POST', path: '/readyz', status: 405 },
  { method: 'GET', path: '/nothing', status: 404 },
  { method: 'GET', path: '/constructor', status: 404 },
  { method: 'GET', path: '/__proto__', status: 404 },
])('$method $path is answered with $status', async ({ method, path, status }) => {
  expect((await fetch(`http://${await opsAddress()}${path}`, { method })).status).toBe(status);
});

test.each([
  'GET // HTTP/1.1',
  'GET http://[ HTTP/1.1',
  'GET \\\\ HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'GET /%zz HTTP/1.1',
  'GET constructor HTTP/1.1',
  'nonsense',
])('the request line "%s" does no harm', async (line) => {
  const address = await opsAddress();
  expect(await raw(address, line)).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
});

test('while the store is lost the process lives and is not ready, and is again when the store is back', async () => {
  const { store, breakDisk, mendDisk } = breakableStore();
  const { app, leases } = await startTestApp({ config, store });
  const statusOf = async (path: string) => (await fetch(`http://${app.opsAddress}${path}`)).status;
  breakDisk();
  await refusalOf(leases.acquireKey({}));
  expect([await statusOf('/healthz'), await statusOf('/readyz')]).toEqual([200, 503]);
  mendDisk();
  await expect.poll(() => statusOf('/readyz'), { timeout: 5_000 }).toBe(200);
});

test('while pools learn the process is ready, and tells how many, not which', async () => {
  let grantsFrom = Number.POSITIVE_INFINITY;
  const { app, address, leases } = await startTestApp({ config, store: learningStore(() => grantsFrom) });
  const ready = async () => {
    const response = await fetch(`http://${app.opsAddress}/readyz`);
    return `${response.status} ${await response.text()}`;
  };
  expect((await refusalOf(leases.acquireKey({}))).status).toBe('RESOURCE_EXHAUSTED');
  expect(await healthClient(address).check('')).toBe('SERVING');
  expect(await ready()).toBe('200 ok\nlearning, nothing granted yet: 1 pool\n');
  grantsFrom = 0;
  expect(await ready()).toBe('200 ok\n');
});

test('turned off, there is none', async () => {
  expect((await startTestApp()).app.opsAddress).toBeNull();
});

test('a port that is taken is named, and nothing is left listening', async () => {
  const first = await startTestApp({ config });
  const taken = { ...config, ops: { listen: first.app.opsAddress } };
  await expect(startTestApp({ config: taken })).rejects.toThrow(`cannot listen on ${first.app.opsAddress}`);
});
