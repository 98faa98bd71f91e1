import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkRuntime } from '../../../src/cli/doctor/runtime.ts';
import { checkStore } from '../../../src/cli/doctor/store.ts';
import { addVerb, buildProgram } from '../../../src/cli/program.ts';
import { runProgram } from '../../../src/cli/run.ts';
import { doctorVerb } from '../../../src/cli/verbs/doctor.ts';
import { openFileStore } from '../../../src/store/file.ts';
import { captureIo } from '../run-cli.ts';

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-doctor-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function runDoctor(config: string, args: readonly string[] = []) {
  const { io, written } = captureIo({ env: {} });
  const program = buildProgram(io, () => Promise.reject(new Error('no app here')));
  addVerb(program, doctorVerb(io));
  const path = join(scratchFolder(), 'keylease.yaml');
  writeFileSync(path, config);
  const code = await runProgram(program, [...args, 'doctor', '--config', path], io);
  return { code, ...written };
}

const POOL = 'pools: [{ id: default, provider: anthropic, keys: [{ id: a, secret: sk-not-shown }] }]';

describe('keylease doctor', () => {
  test('finds nothing wrong where everything is right, and shows no secret', async () => {
    const { code, out, err } = await runDoctor(`listen: 127.0.0.1:0\nops: false\nstore: { kind: file, path: ${scratchFolder()} }\n${POOL}`);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/^ok +config .*1 pool, 1 key, every secret is there$/m);
    expect(out).toMatch(/^ok +disk +made durable in \d+\.\d\d ms/m);
    expect(out).not.toContain('sk-not-shown');
  });

  test('ends with an error where the configuration has mistakes, and names each with its place', async () => {
    const { code, out } = await runDoctor('listen: 127.0.0.1:0\npools: []\nlissten: x');
    expect(code).toBe(1);
    expect(out).toMatch(/^FAULT +config .*keylease\.yaml:2:8 pools/m);
    expect(out).toMatch(/^FAULT +config .*keylease\.yaml:3:1 lissten/m);
  });

  test('says of an address that somebody answers there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const { out } = await runDoctor(`listen: 127.0.0.1:${port}\nops: false\nstore: { kind: memory }\n${POOL}`);
    expect(out).toContain(`127.0.0.1:${port}: somebody answers there`);
  });

  test('prints its findings as JSON', async () => {
    const { out } = await runDoctor(`listen: 127.0.0.1:0\nops: false\nstore: { kind: memory }\n${POOL}`, ['--json']);
    expect(JSON.parse(out).findings).toContainEqual(expect.objectContaining({ level: 'warning', about: 'store' }));
  });
});

const limits = (files: string, core: string) =>
  `Max core file size        ${core}     unlimited bytes\nMax open files            ${files}   1048576 files\n`;

test.each([
  ['plenty of files and no cores', limits('65536', '0'), ['fine', 'fine']],
  ['few files', limits('1024', '0'), ['fine', 'warning']],
  ['core files', limits('65536', 'unlimited'), ['fine', 'fine', 'fine']],
  ['a system that does not tell', '', ['fine']],
])('of a machine with %s the findings are as they should be', (_name, text, levels) => {
  expect(checkRuntime('24.0.0', text).map(({ level }) => level)).toEqual(levels);
});

describe('the store', () => {
  async function usedFolder(): Promise<string> {
    const folder = scratchFolder();
    const store = openFileStore({ folder, wall: () => 1_000_000 });
    await store.apply({ pool: 'p', state: { version: 0, blocks: {}, usage: {}, turn: { lastOrder: -1, weights: {} } } });
    await store.close();
    return folder;
  }
  const findings = (folder: string, now: number) => checkStore({ kind: 'file', path: folder }, now);

  test('is examined while a service uses it', () => {
    const folder = scratchFolder();
    const store = openFileStore({ folder });
    onTestFinished(() => store.close());
    expect(findings(folder, Date.now())).toContainEqual({ level: 'fine', about: 'store', told: `${folder}: sound, 0 leases` });
  });

  test('that others may read is told with the command that ends it', async () => {
    const folder = await usedFolder();
    chmodSync(join(folder, 'keylease.db'), 0o644);
    expect(findings(folder, 1_000_000)).toContainEqual({
      level: 'warning',
      about: 'store',
      told: `other users may read ${folder}: chmod -R go= ${folder}`,
    });
  });

  test('tells of a clock that was set back', async () => {
    const folder = await usedFolder();
    expect(findings(folder, 1_000_000 - 3_600_000).filter(({ about }) => about === 'clock')).toMatchObject([
      { level: 'warning', told: expect.stringContaining('behind the store by 1h') },
    ]);
    expect(findings(folder, 1_000_000).filter(({ about }) => about === 'clock')).toMatchObject([{ level: 'fine' }]);
  });

  test('that is no database is a fault', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'keylease.db'), 'not a database, but long enough to be looked at'.repeat(100));
    expect(findings(folder, 0)[0]).toMatchObject({ level: 'fault', told: expect.stringContaining('keylease.db is not a database') });
  });

  test('in a place where no folder can be is a fault', () => {
    expect(findings('/proc/keylease', 0).filter(({ level }) => level === 'fault')).toMatchObject([{ about: 'disk' }]);
  });
});
