/** Puts one fault after the other into a copy of the source, and asks of each whether the tests see it. Fails where one survives. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Mutant } from '../test/mutants/mutant.ts';
import { mutants } from '../test/mutants.ts';

/** A mutant may loop for ever: tests that take this long have seen it. */
const TESTS_MS_MAX = 120_000;

/** All tests together, before the first mutant. */
const ALL_TESTS_MS_MAX = 600_000;

const FOLDERS = 2;

const ROOT = join(import.meta.dirname, '..');

type Verdict = 'passed' | 'failed' | 'hung';

const folders: string[] = [];
const groups = new Set<number>();
process.on('exit', () => {
  for (const group of groups) kill(group);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = mutants.filter(({ name, file }) => `${name} ${file}`.includes(values.only));
if (chosen.length === 0) stop(`no mutant has '${values.only}' in its name or its file`);
for (let i = 0; i < FOLDERS; i += 1) makeWorkingCopy();
for (const mutant of chosen) mutated(folders[0]!, mutant);

const unmutated = await run(folders[0]!, [...new Set(chosen.flatMap(({ tests }) => tests))], ALL_TESTS_MS_MAX);
if (unmutated.verdict !== 'passed') stop(`without any mutant the tests ${unmutated.verdict}:\n${unmutated.output}`);
print('passed', unmutated.seconds, 'nothing is wrong');

const waiting = chosen.values();
const survivors = (await Promise.all(folders.map((folder) => work(folder, waiting)))).flat();
process.stdout.write(`${chosen.length - survivors.length} of ${chosen.length} mutants killed\n`);
process.exit(survivors.length === 0 ? 0 : 1);

/** Copies the files of the working tree, with changes that are not committed, into a folder of their own outside of it. */
function makeWorkingCopy(): void {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-mutants-'));
  folders.push(folder);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  // Listed may be what was deleted, and node_modules where it is a link.
  const files = listed.split('\0').filter((path) => lstatSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile());
  for (const path of files) cpSync(join(ROOT, path), join(folder, path));
}

/** Takes mutants one by one until none is left; answers with those that no test saw. */
async function work(folder: string, waiting: Iterator<Mutant>): Promise<Mutant[]> {
  const survivors: Mutant[] = [];
  for (let next = waiting.next(); !next.done; next = waiting.next()) {
    const mutant = next.value;
    const { verdict, seconds } = await withMutant(folder, mutant, () => run(folder, mutant.tests, TESTS_MS_MAX));
    if (verdict === 'passed') survivors.push(mutant);
    print({ passed: 'SURVIVED', failed: 'killed', hung: 'killed by the time bound' }[verdict], seconds, mutant.name);
  }
  return survivors;
}

async function withMutant<T>(folder: string, mutant: Mutant, use: () => Promise<T>): Promise<T> {
  const path = join(folder, mutant.file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(path, mutated(folder, mutant));
  try {
    return await use();
  } finally {
    writeFileSync(path, source);
  }
}

/** The mutant's file as it would make it. A text that is not there once would be a mutant that does nothing, or too much. */
function mutated(folder: string, { name, file, find, replace }: Mutant): string {
  const source = readFileSync(join(folder, file), 'utf8');
  const times = source.split(find).length - 1;
  if (times !== 1) stop(`${name}: its text is ${times} times in ${file}, and must be there once`);
  return source.replace(find, () => replace);
}

function run(folder: string, tests: readonly string[], msMax: number): Promise<{ verdict: Verdict; seconds: number; output: string }> {
  const start = performance.now();
  // A process group of its own, so that a test that hangs ends with everything that it started.
  const child = spawn('node_modules/.bin/vitest', ['run', '--bail=1', '--maxWorkers=1', ...tests], { cwd: folder, detached: true });
  const group = child.pid;
  if (group === undefined) stop('vitest does not start: run npm ci');
  groups.add(group);
  const told: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => told.push(chunk));
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    kill(group);
  }, msMax);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      groups.delete(group);
      const verdict = hung ? 'hung' : code === 0 ? 'passed' : 'failed';
      resolve({ verdict, seconds: (performance.now() - start) / 1000, output: Buffer.concat(told).toString() });
    });
  });
}

/** Ends a process group, if it has not ended by itself. */
function kill(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault;
  }
}

function print(verdict: string, seconds: number, name: string): void {
  process.stdout.write(`${verdict.padEnd(8)}  ${seconds.toFixed(1).padStart(5)} s  ${name}\n`);
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
