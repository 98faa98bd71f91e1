import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Every reason that the status table can answer with, read from its text. */
function reasonsOfTable(): readonly string[] {
  const table = read('src/grpc/status.ts');
  const [, texts = ''] = /const UNAVAILABLE_TEXT = \{([^}]*)\}/.exec(table) ?? [];
  const away = [...texts.matchAll(/^ {2}([a-z_]+):/gm)].map(([, why]) => why?.toUpperCase() ?? '');
  return [...table.matchAll(/\binfo\('([A-Z_]+)'/g)].map(([, reason]) => reason ?? '').concat(away);
}

test('every reason that a call can be refused with has an entry, and no entry is about a reason that there is not', () => {
  const entries = [...read('docs/errors.md').matchAll(/^## `([A-Z_]+)`$/gm)].map(([, reason]) => reason ?? '');
  expect([...entries].sort()).toEqual([...new Set(reasonsOfTable())].sort());
});

test('every entry says whether to retry', () => {
  const [, ...entries] = read('docs/errors.md').split(/^## /m);
  const silent = entries.filter((entry) => !/\*\*(?:Retry|Do not retry)|reload again/.test(entry));
  expect(silent).toEqual([]);
});
