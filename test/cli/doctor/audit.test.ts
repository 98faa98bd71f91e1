import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkAudit } from '../../../src/cli/doctor/audit.ts';
import { chain, newFile } from '../../audit/support.ts';

const LINES = chain([{ kind: 'opened' }, { kind: 'grant' }])
  .map((line) => `${line}\n`)
  .join('');

test.each([
  ['is not there yet', null, 'fine', 'nothing there yet, the first start makes it'],
  ['is empty', '', 'fine', 'empty'],
  ['is whole', LINES, 'fine', 'goes on from record 2'],
  ['was torn by a crash', LINES.slice(0, -50), 'warning', 'its last line was never finished'],
  ['is something else', 'x\n', 'fault', 'is no intact audit record'],
])('of a file that %s it finds so, and changes nothing', (_, content, level, told) => {
  const path = newFile();
  if (content !== null) writeFileSync(path, content);
  expect(checkAudit({ kind: 'file', path, fsync: false })).toEqual([{ level, about: 'audit', told: expect.stringContaining(told) }]);
  expect(existsSync(path) ? readFileSync(path, 'utf8') : null).toBe(content);
});

test('a folder that is not there is a fault', () => {
  expect(checkAudit({ kind: 'file', path: `${newFile()}/none/audit.log`, fsync: false })).toMatchObject([{ level: 'fault' }]);
});

test.each([
  ['off', null, 'off'],
  ['to standard output', { kind: 'stdout' } as const, 'to standard output, each run a chain of its own'],
])('an audit that is %s has nothing to be looked at', (_, settings, told) => {
  expect(checkAudit(settings)).toEqual([{ level: 'fine', about: 'audit', told }]);
});
