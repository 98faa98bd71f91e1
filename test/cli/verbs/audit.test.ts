import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readLine } from '../../../src/audit/chain.ts';
import { addVerb, buildProgram } from '../../../src/cli/program.ts';
import { runProgram } from '../../../src/cli/run.ts';
import { auditVerb } from '../../../src/cli/verbs/audit.ts';
import { chain, newFile } from '../../audit/support.ts';
import { captureIo } from '../run-cli.ts';

const LINES = chain(['opened', 'grant', 'report'].map((kind) => ({ kind })));
const HASH = readLine(LINES[2]!)!.hash;

function fileOf(lines: readonly string[]): string {
  const path = newFile();
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

async function verify(...args: string[]) {
  const { io, written } = captureIo();
  const program = buildProgram(io, () => Promise.reject(new Error('no app here')));
  addVerb(program, auditVerb(io));
  return { code: await runProgram(program, ['audit', 'verify', ...args], io), ...written };
}

test('an audit that is whole is told with its count, its span and its last hash', async () => {
  const { code, out, err } = await verify(fileOf(LINES));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/records +3\nfrom +2026-01-01T00:00:00.000Z\nto +2026-01-01T00:00:00.000Z\nlast hash +[0-9a-f]{64}\n$/);
});

test('the first line that was edited is named, and the command fails', async () => {
  const path = fileOf(LINES.with(1, LINES[1]!.replace('grant', 'other')));
  expect(await verify(path)).toMatchObject({
    code: 1,
    err: `${path}:2 (record 2) was edited\n`,
    out: expect.stringMatching(/^intact +1\n/),
  });
});

test('files that follow each other are one chain', async () => {
  const [first, second] = [fileOf(LINES.slice(0, 2)), fileOf(LINES.slice(2))];
  expect(await verify(first, second)).toMatchObject({ code: 0 });
  expect(await verify(second, first)).toMatchObject({ code: 1, err: `${first}:1 (record 1) was inserted\n` });
  expect((await verify(second)).out).toContain(`record 2 (${readLine(LINES[1]!)!.hash}), which is in no file named here`);
});

test('a hash that was noted elsewhere must be there', async () => {
  expect(await verify(fileOf(LINES), '--head', HASH)).toMatchObject({ code: 0 });
  expect(await verify(fileOf(LINES.slice(0, 2)), '--head', HASH)).toMatchObject({ code: 1, err: expect.stringContaining(HASH) });
});

test('a program gets the same as JSON', async () => {
  const { out } = await verify(fileOf(LINES), '--json');
  expect(JSON.parse(out)).toMatchObject({ records: 3, flaw: null, head: { seq: 3, hash: HASH } });
});

test('a file that is not there is a mistake of use', async () => {
  expect(await verify('/none/audit.log')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('/none/audit.log') });
});
