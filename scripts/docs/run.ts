/**
 * Runs every command and program of the documents in a fresh clone, as a reader would who follows them from the top, against a stand-in
 * for the providers; compares what is shown with what is printed. Prints how long it took from the clone to the first lease.
 * Needs the ports 50051 and 9464, Go, and a Python with clients/python installed (DOCS_PYTHON).
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { startProvider } from '../../clients/stage/provider.ts';
import { blocksOf } from './blocks.ts';
import { play } from './play.ts';

const DOCUMENTS = [
  ...['README.md', 'docs/quick-start.md', 'docs/typescript.md', 'docs/sidecar.md', 'docs/grpcurl.md'],
  ...['docs/kubernetes.md', 'docs/replicas.md', 'docs/audit.md', 'docs/metrics.md'],
];

const repository = new URL('../..', import.meta.url).pathname;
const asked = process.argv.slice(2);

const work = mkdtempSync(join(tmpdir(), 'keylease-docs-'));
const clone = join(work, 'keylease');
const provider = await startProvider();
try {
  execFileSync('git', ['clone', '--quiet', repository, clone]);
  timeToFirstLease();
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: clone, stdio: 'inherit' });
  const env = readersEnvironment();
  for (const path of asked.length > 0 ? asked : DOCUMENTS) {
    const { run, examples } = await play(blocksOf(readFileSync(join(clone, path), 'utf8')), clone, env).catch((error: Error) => {
      throw new Error(`${path}, ${error.message}`);
    });
    process.stdout.write(`${path}: ${run} blocks run, ${examples} examples left alone\n`);
  }
} finally {
  provider.close();
  rmSync(work, { recursive: true, force: true });
}

/** What a reader has at hand: the two commands, and providers that answer. */
function readersEnvironment(): NodeJS.ProcessEnv {
  const bin = join(work, 'bin');
  mkdirSync(bin);
  command(join(bin, 'keylease'), `exec node ${join(clone, 'src/main.ts')} "$@"`);
  command(join(bin, 'grpcurl'), `exec ${join(repository, 'node_modules/.cache/keylease/bin/grpcurl')} "$@"`);
  return {
    ...process.env,
    PATH: [bin, join(clone, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    ANTHROPIC_BASE_URL: provider.url,
    OPENAI_BASE_URL: `${provider.url}/v1`,
  };
}

function command(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

/** The two commands of the README, timed. */
function timeToFirstLease(): void {
  const start = performance.now();
  const script = `
    npm ci --silent --no-audit --no-fund
    setsid npm start > start.log & trap "kill -- -$!" EXIT
    until grep -qs 'keylease serves' start.log; do sleep 0.1; done
    npm run -s keylease -- lease | grep -q '^lease'`;
  execFileSync('bash', ['-euc', script], { cwd: clone, stdio: ['ignore', 'inherit', 'inherit'] });
  process.stdout.write(`from the clone to the first lease: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}
