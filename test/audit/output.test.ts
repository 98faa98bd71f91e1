import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openAuditOutput } from '../../src/audit/sink.ts';
import { addressesOf, newFolder, serve, writeConfig } from '../e2e/process.ts';
import { connectTo, keyOf, onePool } from '../support/app.ts';
import { tool } from '../support/tool.ts';
import { newFile, verified } from './support.ts';

test('on standard output the audit stands among the lines of the log, in a chain of its own', async () => {
  const served = serve(writeConfig(newFolder(), { ...onePool([keyOf('a')]), audit: { stdout: true } }));
  const [address] = await addressesOf(served);
  await connectTo(address!).leases.acquireKey({});
  served.process.kill('SIGTERM');
  await served.ended;
  const lines = served
    .out()
    .split('\n')
    .filter((line) => line.startsWith('{"audit":1'));
  expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['opened', 'admin', 'grant', 'closed']);
  expect(verified(`${lines.join('\n')}\n`).flaw).toBeNull();
  expect(served.log().map(({ msg }) => msg)).toContain('keylease serves');
});

const mkfifo = tool('mkfifo', 'apt-get install coreutils');

describe.skipIf(mkfifo === null)('a pipe whose reader does not read', () => {
  /** Both ends of a pipe that takes what it can at once. */
  function newPipe(): { fd: number; read: () => string } {
    const path = newFile('pipe');
    spawnSync(mkfifo!, [path]);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(fd));
    const bytes = Buffer.alloc(1_000_000);
    return { fd, read: () => bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, null)) };
  }

  test('is waited for, then given up; what comes after starts a line', () => {
    const { fd, read } = newPipe();
    const sink = openAuditOutput(fd);
    sink.write('first\n');
    expect(() => sink.write('x'.repeat(1_000_000))).toThrow('EAGAIN');
    expect(read()).toMatch(/^first\nx+$/);
    sink.write('second\n');
    sink.write('third\n');
    expect(read()).toBe('\nsecond\nthird\n');
  });
});
