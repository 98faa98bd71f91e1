import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { Connection, headersFrame, literal } from '../attack/raw-http2.ts';
import { connectTo, keyOf, onePool } from '../support/app.ts';
import { addressesOf, newFolder, serve, writeConfig } from './process.ts';

test('what callers send in metadata is repeated nowhere, however wrong it is', async () => {
  const served = serve(writeConfig(newFolder(), { ...onePool([keyOf('a')]), log: { level: 'trace' } }));
  const [address] = await addressesOf(served);
  const connection = new Connection(connect({ host: '127.0.0.1', port: Number(address!.split(':')[1]) })).begin();
  const metadata = [literal('authorization', 'bearer canary-é'), literal('*canary', 'value'), literal('canary-bin', '!')];
  await connection.send(headersFrame(1, '/keylease.v1.KeyLeaseService/AcquireKey', { flags: 5, more: metadata }));
  await expect.poll(() => connection.answers + connection.resets).toBe(1);
  connection.close();
  expect((await connectTo(address!).leases.acquireKey({})).lease?.keyId).toBe('a');
  expect(served.err()).toBe('');
  expect(served.out()).not.toContain('canary');
});
