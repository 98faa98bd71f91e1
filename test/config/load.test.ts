import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { revealSecret } from '../../src/config/secret.ts';
import { KNOWN, minimal, mistakesOf, mustBeGood } from './support.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keylease-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const loadWithSecretFile = (content: string) => {
  write('secrets/a', content);
  return loadConfig(write('config.yaml', minimal({ secret: '{ file: secrets/a }' })), {}, KNOWN);
};

test.each([
  ['as it is', 'sk-file', 'sk-file'],
  ['without the newline at its end', 'sk-file\n', 'sk-file'],
  ['without a Windows newline at its end', 'sk-file\r\n', 'sk-file'],
  ['up to 16 KiB', 'x'.repeat(16 * 1024), 'x'.repeat(16 * 1024)],
])('the file of a secret is read %s', async (_, content, expected) => {
  const config = mustBeGood(await loadWithSecretFile(content));
  expect(revealSecret(config.pools[0]!.keys[0]!.secret)).toBe(expected);
});

test.each([
  ['empty', '', 'the secret is empty'],
  ['nothing but a newline', '\n', 'the secret is empty'],
  ['longer than 16 KiB', 'x'.repeat(16 * 1024 + 1), 'the file is longer than 16 KiB'],
  ['of two lines', 'a\nb\n', 'the secret has white space, control characters or letters beyond ASCII'],
])('the file of a secret that is %s is a mistake', async (_, content, message) => {
  expect(mistakesOf(await loadWithSecretFile(content))).toEqual([`8:25 pools[0].keys[0].secret.file: ${message}`]);
});

test('the file of a secret may be a link', async () => {
  symlinkSync(write('real', 'sk-linked'), join(folder, 'link'));
  const config = mustBeGood(await loadConfig(write('config.yaml', minimal({ secret: '{ file: link }' })), {}, KNOWN));
  expect(revealSecret(config.pools[0]!.keys[0]!.secret)).toBe('sk-linked');
});

test.each([
  ['is not there', () => join(folder, 'none.yaml'), 'there is no such file'],
  ['is a folder', () => folder, 'it is a folder'],
  ['is not text', () => write('config.yaml', Uint8Array.of(0x61, 0xff)), 'it is not UTF-8 text'],
])('a configuration that %s is a mistake in its first line', async (_, path, reason) => {
  expect(await loadConfig(path(), {}, KNOWN)).toEqual({
    ok: false,
    mistakes: [{ file: path(), line: 1, column: 1, path: '', message: `the file cannot be read: ${reason}` }],
  });
});
