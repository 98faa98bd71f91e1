import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFakeServer } from './fake-server.ts';
import { runCli } from './run-cli.ts';

const listPools = async () => ({});

async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

describe('the server', () => {
  test('is named by --server, before or after the verb', async () => {
    const server = await startFakeServer({ listPools });
    expect((await runCli(['--server', server, 'pools'])).code).toBe(0);
    expect((await runCli(['pools', '--server', server])).code).toBe(0);
  });

  test('is named by KEYLEASE_SERVER where --server is left out', async () => {
    const server = await startFakeServer({ listPools });
    expect(await runCli(['pools'], { env: { KEYLEASE_SERVER: server } })).toEqual({ code: 0, out: 'No pools.\n', err: '' });
  });

  test('may listen on a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keylease-cli-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const server = await startFakeServer({ listPools }, `unix:${folder}/a.sock`);
    expect((await runCli(['pools', '--server', server])).code).toBe(0);
  });

  test('that is not there is exit code 69, with what to do', async () => {
    const address = await unusedAddress();
    expect(await runCli(['pools', '--server', address])).toEqual({
      code: 69,
      out: '',
      err: `no keylease server at ${address}: start one with \`keylease serve\`, or name another with --server\n`,
    });
  });

  test('that does not answer in time is exit code 69', async () => {
    const server = await startFakeServer({ listPools: () => new Promise(() => {}) });
    const { code, err } = await runCli(['pools', '--timeout', '50ms', '--server', server]);
    expect([code, err]).toEqual([
      69,
      `the server at ${server} did not answer within 50ms: look at its log, or wait longer with --timeout\n`,
    ]);
  });

  test('may keep a lease waiting for --max-wait beyond --timeout', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const server = await startFakeServer({
      async acquireKey() {
        setTimeout(resolve, 150);
        await promise;
        return {};
      },
    });
    expect((await runCli(['lease', '--timeout', '100ms', '--max-wait', '60s', '--server', server])).code).toBe(0);
  });
});

describe('wrong usage is exit code 2', () => {
  test.each([
    { args: ['polls'], says: "unknown command 'polls'" },
    { args: ['pools', '--all'], says: "unknown option '--all'" },
    { args: ['release'], says: "missing required argument 'lease'" },
    { args: ['pools', '--server', 'nowhere'], says: 'expected host:port' },
    { args: ['pools', '--timeout', '5'], says: 'a number alone has no unit' },
    { args: ['lease', '--input-tokens', 'many'], says: 'Write a whole number from 0 up.' },
    { args: ['lease', '--priority', '1.5'], says: 'Write a whole number.' },
    { args: ['demo', '--seconds', '1'], says: 'Write a number from 2 to 600.' },
  ])('keylease $args', async ({ args, says }) => {
    const { code, out, err } = await runCli(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(says);
  });

  test('also in KEYLEASE_SERVER', async () => {
    const { code, err } = await runCli(['pools'], { env: { KEYLEASE_SERVER: 'nowhere' } });
    expect(code).toBe(2);
    expect(err).toContain('nowhere is no address of a server: expected host:port');
  });
});

test('--help lists every verb and is no mistake', async () => {
  const { code, out } = await runCli(['--help']);
  const verbs = [...out.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, verb]) => verb);
  expect(code).toBe(0);
  expect(verbs).toEqual([
    ...['lease', 'report', 'renew', 'release', 'mark-unhealthy', 'pools', 'keys', 'key', 'leases', 'explain', 'top'],
    ...['mark-healthy', 'drain', 'enable', 'revoke', 'reload', 'demo', 'help'],
  ]);
});
