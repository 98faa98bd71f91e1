import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, onTestFinished, test } from 'vitest';
import { runProgram } from '../../src/cli/run.ts';
import { simulateVerb } from '../../src/cli/verbs/simulate.ts';
import { captureIo } from '../cli/run-cli.ts';
import { PLAIN } from './short.ts';

async function run(args: readonly string[], isErrTerminal = false) {
  const { io, written } = captureIo({ now: () => 0 });
  const program = new Command('keylease').option('--json', '', false).exitOverride();
  program.configureOutput({ writeOut: io.out, writeErr: io.err });
  program.addCommand(simulateVerb(io, isErrTerminal).copyInheritedSettings(program));
  const code = await runProgram(program, args, io);
  return { code, ...written };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'keylease-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  writeFileSync(join(path, 'plain.yaml'), PLAIN);
  return path;
}

test('a strategy stands beside what it is compared with, and twice the same', async () => {
  const file = join(folder(), 'plain.yaml');
  const once = await run(['simulate', file, '--strategy', 'bottleneck']);
  expect(once.code).toBe(0);
  expect(once.out).toMatch(/^plain\.yaml: 1m, \d+ calls, 2 keys of 2 organizations, seed 1\n\nSTRATEGY +USED +MET A 429/);
  expect(once.out.match(/^(?:bottleneck|last_headers|plain_round_robin)\b/gm)).toHaveLength(3);
  expect((await run(['simulate', file, '--strategy', 'bottleneck'])).out).toBe(once.out);
});

test('options take the place of what the file says, and the answer can be JSON', async () => {
  const { out } = await run(['--json', 'simulate', join(folder(), 'plain.yaml'), '--keys', '3', '--seed', '5', '--hours', '0.005']);
  const { seed, results } = JSON.parse(out);
  expect(seed).toBe(5);
  expect(results.map(({ keys }: { keys: number }) => keys)).toEqual([3, 3, 3]);
  expect(results[0].calls).toBeLessThan(40);
});

test('a sweep says how many keys are enough', async () => {
  const { out } = await run(['simulate', join(folder(), 'plain.yaml'), '--sweep', '1..4']);
  expect(out).toMatch(/\d keys? (?:is|are) enough for fewer than 0\.10 % of the calls/);
});

test('a picture is written for the first strategy', async () => {
  const path = folder();
  await run(['simulate', join(path, 'plain.yaml'), '--strategy', 'random', '--svg', join(path, 'a.svg')]);
  expect(readFileSync(join(path, 'a.svg'), 'utf8')).toContain('plain.yaml · random');
});

test('progress is shown on a terminal alone', async () => {
  const file = join(folder(), 'plain.yaml');
  expect((await run(['simulate', file])).err).not.toContain('█');
  expect((await run(['simulate', file], true)).err).toContain('█');
});

test.each([
  ['a strategy that there is not', ['--strategy', 'botleneck'], /unknown strategy 'botleneck': did you mean 'bottleneck'\?/],
  ['a sweep that ends before it begins', ['--sweep', '3..1'], /Write two numbers from 1 up, as in 1\.\.20\./],
  ['no keys', ['--keys', '0'], /Write a number from 1 to 10000\./],
  ['no time', ['--hours', '0'], /Write a number above 0, at most 48\./],
])('%s is a usage mistake', async (_name, args, message) => {
  const { code, err } = await run(['simulate', join(folder(), 'plain.yaml'), ...args]);
  expect([code, err]).toEqual([2, expect.stringMatching(message)]);
});

test('a file that cannot be read, and one with mistakes, are usage mistakes', async () => {
  const path = folder();
  writeFileSync(join(path, 'bad.yaml'), PLAIN.replace('keys: 2', 'kees: 2'));
  expect(await run(['simulate', join(path, 'gone.yaml')])).toMatchObject({ code: 2, err: expect.stringContaining('cannot be read') });
  expect(await run(['simulate', join(path, 'bad.yaml')])).toMatchObject({ code: 2, err: expect.stringContaining("did you mean 'keys'?") });
});
