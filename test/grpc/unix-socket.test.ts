import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { Connections } from '../../src/grpc/connections.ts';
import { configOf, keyOf, onePool, startTestApp } from '../support/app.ts';

function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'keylease.sock');
}

const listeningOn = (...listen: string[]) => ({ ...onePool([keyOf('a')]), listen });

test('a unix socket is served like TCP, side by side', async () => {
  const path = socketPath();
  const { app, leases, admin } = await startTestApp({ config: listeningOn(`unix:${path}`, '127.0.0.1:0') });
  expect(app.addresses).toEqual([`unix:${path}`, expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  await leases.acquireKey({});
  expect((await admin.listLeases({})).leases).toHaveLength(1);
});

test.each([
  ['nobody but the owner may connect', {}, '600'],
  ['the group may connect where socket_mode says so', { socket_mode: '0660' }, '660'],
])('%s', async (_, settings, mode) => {
  const path = socketPath();
  await startTestApp({ config: { ...listeningOn(`unix:${path}`), ...settings } });
  expect((statSync(path).mode & 0o777).toString(8)).toBe(mode);
});

test('from its first moment nobody but the owner may connect, however loose the umask, which stays as it is', async () => {
  const path = socketPath();
  const before = process.umask(0);
  onTestFinished(() => void process.umask(before));
  const connections = new Connections(configOf(onePool([keyOf('a')])).limits, pino({ level: 'silent' }));
  const server = new Server();
  const listening = connections.listen(server.createConnectionInjector(ServerCredentials.createInsecure()), { path });
  const modes = [statSync(path).mode];
  await listening;
  modes.push(statSync(path).mode);
  expect(modes.map((mode) => (mode & 0o777).toString(8))).toEqual(['600', '600']);
  expect(process.umask()).toBe(0);
  await connections.drain(0);
});

test('the socket file is gone after the stop', async () => {
  const path = socketPath();
  const { app } = await startTestApp({ config: listeningOn(`unix:${path}`) });
  expect(existsSync(path)).toBe(true);
  await app.close();
  expect(existsSync(path)).toBe(false);
});

test('the socket file of a process that was killed is taken over', async () => {
  const path = socketPath();
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`;
  const killed = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'close');
  expect(existsSync(path)).toBe(true);
  const { leases } = await startTestApp({ config: listeningOn(`unix:${path}`) });
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('a socket that another process answers on is refused, and stays', async () => {
  const path = socketPath();
  const other = createServer((socket) => socket.destroy()).listen(path);
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  await expect(startTestApp({ config: listeningOn('127.0.0.1:0', `unix:${path}`) })).rejects.toThrow(
    `cannot listen on unix:${path}: another process listens there`,
  );
  expect(existsSync(path)).toBe(true);
  expect(other.listening).toBe(true);
});

test('a file that is no socket is refused, and stays as it is', async () => {
  const path = socketPath();
  writeFileSync(path, 'precious');
  await expect(startTestApp({ config: listeningOn(`unix:${path}`) })).rejects.toThrow(
    `cannot listen on unix:${path}: there is a file of that name that is not a socket`,
  );
  expect(readFileSync(path, 'utf8')).toBe('precious');
});

test('a folder that is not there is named', async () => {
  const path = join(socketPath(), 'deeper');
  await expect(startTestApp({ config: listeningOn(`unix:${path}`) })).rejects.toThrow(`cannot listen on unix:${path}`);
});

test('where one address cannot be had, those that were had are given back', async () => {
  const [good, bad] = [socketPath(), socketPath()];
  writeFileSync(bad, 'precious');
  await expect(startTestApp({ config: listeningOn(`unix:${good}`, `unix:${bad}`) })).rejects.toThrow('cannot listen');
  expect(existsSync(good)).toBe(false);
  const { leases } = await startTestApp({ config: listeningOn(`unix:${good}`) });
  expect((await leases.acquireKey({})).lease?.keyId).toBe('a');
});

test('a link that leads nowhere is refused, and stays', async () => {
  const path = socketPath();
  symlinkSync(`${path}-gone`, path);
  await expect(startTestApp({ config: listeningOn(`unix:${path}`) })).rejects.toThrow('cannot listen on');
});

test('a port that is taken is named', async () => {
  const { address } = await startTestApp();
  await expect(startTestApp({ config: listeningOn(address) })).rejects.toThrow(`cannot listen on ${address}`);
});
