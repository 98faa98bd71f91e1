/** Everything that must hold before a change lands, one step after the other; the first that fails ends it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inPackageFolder } from './package-folder.ts';

interface Step {
  readonly name: string;
  readonly run: () => boolean;
}

const STEPS: readonly Step[] = [
  { name: 'generated code is what proto/ says', run: generatedIsFresh },
  { name: 'proto/ follows the rules', run: () => succeeds('buf', 'lint', 'proto') },
  { name: 'proto/ breaks no client', run: breaksNobody },
  { name: 'types', run: () => succeeds('tsc') },
  { name: 'format and lint', run: () => succeeds('biome', 'check', '--error-on-warnings') },
  { name: 'nothing unused', run: () => succeeds('knip') },
  { name: 'the package builds, and is fit to publish', run: isFitToPublish },
  { name: 'tests', run: () => succeeds('vitest', 'run') },
];

/** `--without-tests`: for those who have just run them. */
const steps = process.argv.includes('--without-tests') ? STEPS.filter(({ name }) => name !== 'tests') : STEPS;

for (const { name, run } of steps) {
  const start = performance.now();
  const ok = run();
  process.stdout.write(`${ok ? 'ok  ' : 'FAIL'}  ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
  if (!ok) process.exit(1);
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}

function inTemporaryFolder(use: (folder: string) => boolean): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-check-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function generatedIsFresh(): boolean {
  return inTemporaryFolder((folder) => {
    const made = succeeds('node', 'scripts/generate.ts', '--out', folder);
    return made && succeeds('git', 'diff', '--no-index', '--stat', 'src/generated', folder);
  });
}

function isFitToPublish(): boolean {
  return inPackageFolder((cwd) => {
    const runs = (command: string, ...args: string[]) => spawnSync(command, args, { cwd, stdio: 'inherit' }).status === 0;
    return runs('npm', 'run', '--silent', 'build') && runs('publint') && runs('attw', '--pack', '.', '--profile', 'esm-only', '--quiet');
  });
}

/** Against what has landed: the main branch of origin where this is ahead of it, else the commit before the last one that touched proto/. */
function breaksNobody(): boolean {
  const landed = landedCommit();
  if (landed === undefined) {
    process.stdout.write('      nothing has landed yet to compare with\n');
    return true;
  }
  return inTemporaryFolder((folder) => {
    const image = join(folder, 'landed');
    execFileSync('sh', [
      '-c',
      `mkdir -p "$1" && git archive "$2" proto buf.yaml | tar -x -C "$1" && ln -s "$PWD/node_modules" "$1/node_modules"`,
      'sh',
      image,
      landed,
    ]);
    const built = join(folder, 'landed.binpb');
    execFileSync('buf', ['build', 'proto', '-o', built], { cwd: image });
    return succeeds('buf', 'breaking', 'proto', '--against', built);
  });
}

function landedCommit(): string | undefined {
  const head = git('rev-parse', 'HEAD');
  const origin = git('rev-parse', '--verify', '--quiet', 'origin/main');
  if (origin !== undefined && origin !== head) return git('ls-tree', '--name-only', origin, 'buf.yaml') ? origin : undefined;
  const [, before] = git('log', '--format=%H', '--', 'proto')?.split('\n') ?? [];
  return before;
}

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}
