import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TokenBook } from '../../../src/auth/token.ts';
import { addVerb, buildProgram } from '../../../src/cli/program.ts';
import { runProgram } from '../../../src/cli/run.ts';
import { tokenVerb } from '../../../src/cli/verbs/token.ts';
import { readTokens, type TokenRecord, tokenLineOf } from '../../../src/config/token-file.ts';
import { captureIo, NOW, type Ran } from '../run-cli.ts';

const DAY_MS = 86_400_000;

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keylease-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'tokens.yaml');
}

async function run(...args: string[]): Promise<Ran> {
  const { io, written } = captureIo();
  const program = buildProgram(io, () => Promise.reject(new Error('no app here')));
  addVerb(program, tokenVerb(io));
  return { code: await runProgram(program, args, io), ...written };
}

function tokensIn(file: string): readonly TokenRecord[] {
  const reading = readTokens(readFileSync(file, 'utf8'));
  return reading.ok ? reading.tokens : [];
}

test('create prints the token once and keeps its hash alone, in a file for the owner', async () => {
  const file = newFile();
  const { code, out } = await run('token', 'create', '--holder', 'worker', '--expires', '90d', '--file', file);
  expect(code).toBe(0);
  expect(out).toMatch(/^klt_[a-z0-9]{12}_[A-Za-z0-9_-]{43}\n$/);
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  expect(readFileSync(file, 'utf8')).not.toContain(out.trim().slice(17));
  expect(tokensIn(file)).toEqual([expect.objectContaining({ holder: 'worker', createTime: NOW, expireTime: NOW + 90 * DAY_MS })]);
  expect(new TokenBook(tokensIn(file)).find(out.trim())?.holder).toBe('worker');
});

test('one holder may have several; each is found, listed and revoked by itself', async () => {
  const file = newFile();
  const made = [
    await run('token', 'create', '--holder', 'w', '--file', file),
    await run('token', 'create', '--holder', 'w', '--file', file),
  ];
  const [first, second] = made.map(({ out }) => out.trim()) as [string, string];
  const [id, other] = tokensIn(file).map((token) => token.id) as [string, string];
  expect((await run('token', 'list', '--file', file)).out).toMatch(
    new RegExp(`^ID +HOLDER +CREATED +EXPIRES\n${id}  w .*never\n${other}  w .*never\n$`),
  );
  expect(await run('token', 'revoke', id, '--file', file)).toEqual({ code: 0, out: `revoked ${id}\n`, err: '' });
  const book = new TokenBook(tokensIn(file));
  expect([book.find(first), book.find(second)?.id]).toEqual([undefined, other]);
  expect(JSON.parse((await run('--json', 'token', 'list', '--file', file)).out).tokens).toEqual([
    { id: other, holder: 'w', created: new Date(NOW).toISOString(), expires: '' },
  ]);
});

test('the last token revoked leaves a file to which another can be added, as private as it was', async () => {
  const file = newFile();
  await run('token', 'create', '--holder', 'w', '--file', file);
  chmodSync(file, 0o640);
  await run('token', 'revoke', tokensIn(file)[0]!.id, '--file', file);
  expect(tokensIn(file)).toEqual([]);
  await run('token', 'create', '--holder', 'w', '--file', file);
  expect(tokensIn(file)).toHaveLength(1);
  expect((statSync(file).mode & 0o777).toString(8)).toBe('640');
});

test('comments stay, and a file without a last line end is added to', async () => {
  const file = newFile();
  await run('token', 'create', '--holder', 'w', '--file', file);
  writeFileSync(file, `# those of team A\n${readFileSync(file, 'utf8').trimEnd()}`);
  await run('token', 'create', '--holder', 'w', '--file', file);
  expect(tokensIn(file)).toHaveLength(2);
  expect(readFileSync(file, 'utf8')).toMatch(/^# those of team A\n- .*\n- .*\n$/);
});

test.each([
  [
    'a holder that could pass for one of a certificate',
    ['create', '--holder', 'spiffe://a'],
    /^no token was made: expected 1 to 128 letters/,
  ],
  ['a file with a mistake', ['create', '--holder', 'w'], /tokens\.yaml:1:1: expected a list, found text\n$/],
  ['a token that is not there', ['revoke', 'abcdefgh'], /tokens\.yaml:1:1: expected a list, found text\n$/],
])('%s: nothing is changed', async (_, args, message) => {
  const file = newFile();
  const before = args.includes('spiffe://a') ? '' : 'nonsense';
  writeFileSync(file, before);
  const { code, out, err } = await run('token', ...args, '--file', file);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(message);
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test('a list of a file that is not there says so, and makes none', async () => {
  const file = newFile();
  expect((await run('token', 'list', '--file', file)).err).toContain('cannot be read: ENOENT');
  expect(existsSync(file)).toBe(false);
});

test('an edit that another has begun is waited for, and what it wrote stays', async () => {
  const file = newFile();
  await run('token', 'create', '--holder', 'first', '--file', file);
  copyFileSync(file, `${file}.next`);
  const created = run('token', 'create', '--holder', 'third', '--file', file);
  appendFileSync(
    `${file}.next`,
    tokenLineOf({ id: 'second00', sha256: '0'.repeat(64), holder: 'second', createTime: NOW, expireTime: null }),
  );
  renameSync(`${file}.next`, file);
  expect((await created).code).toBe(0);
  expect(tokensIn(file).map(({ holder }) => holder)).toEqual(['first', 'second', 'third']);
});

test('many at once: none is lost', async () => {
  const file = newFile();
  await Promise.all(Array.from({ length: 20 }, () => run('token', 'create', '--holder', 'w', '--file', file)));
  expect(tokensIn(file)).toHaveLength(20);
  expect(existsSync(`${file}.next`)).toBe(false);
});

test.skipIf(process.getuid?.() !== 0)('the file stays with its owner, whose server must read it', async () => {
  const file = newFile();
  await run('token', 'create', '--holder', 'w', '--file', file);
  chownSync(file, 65_534, 65_533);
  await run('token', 'create', '--holder', 'w', '--file', file);
  const { uid, gid, mode } = statSync(file);
  expect([uid, gid, (mode & 0o777).toString(8)]).toEqual([65_534, 65_533, '600']);
});
