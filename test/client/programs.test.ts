import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useStage } from './stage.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const PROGRAM = join(ROOT, 'test/client/programs/calls-once.js');
/** Ends a program that hangs; nothing is said on speed. */
const PROGRAM_MS_MAX = 60_000;

const run = promisify(execFile);
const stage = useStage();

/** Plays the program, answers what it printed, and finds nothing left behind on the server. */
async function played(node: string, client: string): Promise<unknown> {
  await stage.reset({ pools: 'pair' });
  const { stdout } = await run(node, [PROGRAM, client, stage.grpc, stage.provider], { timeout: PROGRAM_MS_MAX });
  expect(await stage.departures({ server: { leases_active: 0 }, provider: { requests: [{}, {}, {}] } })).toEqual([]);
  return JSON.parse(stdout);
}

const TOLD = { usage: { input_tokens: 1, output_tokens: 4 }, whole: true };

test('a program that closes nothing ends by itself, and leaves no lease behind', async () => {
  expect(await played(process.execPath, join(ROOT, 'src/client/index.ts'))).toMatchObject(TOLD);
});

const BRING_OLDER = 'export PATH="$PATH:$(dirname "$(npx -y -p node@20 which node)")"';

/** A Node 20 on the path; null: there is none, and what needs it is left out, which is told. In CI that is a failure. */
function olderNode(): string | null {
  const nodes = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  const found = nodes.find((node) => existsSync(node) && /^v20\./.test(execFileSync(node, ['--version'], { encoding: 'utf8' })));
  if (found !== undefined) return found;
  if (process.env.CI === 'true') throw new Error(`tests need Node 20; bring it with: ${BRING_OLDER}`);
  process.stderr.write(`tests that need Node 20 are left out; bring it with: ${BRING_OLDER}\n`);
  return null;
}

const older = olderNode();

describe.skipIf(older === null)('on Node 20, with the client as it is published', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'keylease-client-'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const config = {
      extends: join(ROOT, 'tsconfig.client.json'),
      compilerOptions: { declaration: false, emitDeclarationOnly: false, rootDir: join(ROOT, 'src'), outDir: join(folder, 'dist') },
      include: [join(ROOT, 'src/client')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { cwd: ROOT });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a program makes its calls', async () => {
    const told = await played(older!, join(folder, 'dist/client/index.js'));
    expect(told).toMatchObject({ ...TOLD, version: expect.stringMatching(/^v20\./) });
  });
});
