import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { providerDocs } from '../../scripts/provider-docs.ts';
import { providerByName, providerNames } from '../../src/provider/index.ts';

const DOCS = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8');

test('docs/providers.md is what the tables say: after a change run node scripts/provider-docs.ts', () => {
  expect(DOCS).toBe(providerDocs());
});

test.each(providerNames)('%s has a section with its facts, headers and models', (name) => {
  const [, section = ''] = DOCS.split(`\n## ${name}\n`);
  const own = section.split('\n## ')[0]!;
  const { limits, modelClasses, sources } = providerByName(name)!;
  const told = [...limits!.map(({ limit }) => limit), ...modelClasses.map(({ id }) => id), ...sources!.map(({ fact }) => fact)];
  expect(told.filter((each) => !own.includes(each))).toEqual([]);
});

test('no cell of a table is cut in two', () => {
  const tables = DOCS.split('\n\n').filter((part) => part.startsWith('|'));
  const widths = tables.map(
    (part) =>
      new Set(
        part
          .trim()
          .split('\n')
          .map((line) => line.split(/(?<!\\)\|/).length),
      ).size,
  );
  expect(new Set(widths)).toEqual(new Set([1]));
});
