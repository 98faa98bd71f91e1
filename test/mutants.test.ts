import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mutants } from './mutants.ts';

const ROOT = join(import.meta.dirname, '..');

describe.each(mutants)('$name', ({ file, find, replace, tests }) => {
  const source = readFileSync(join(ROOT, file), 'utf8');

  test('its text is in its file exactly once', () => {
    expect(source.split(find).length - 1).toBe(1);
  });

  test('it is TypeScript, so that what fails is a test', () => {
    expect(() => stripTypeScriptTypes(source.replace(find, () => replace))).not.toThrow();
  });

  test('its tests are there', () => {
    expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(tests).not.toEqual([]);
  });
});

test('no two mutants have one name', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
