import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configDocs } from '../../scripts/config-docs.ts';

const DOCS = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

test('docs/configuration.md is what the schema says: after a change run npm run generate', () => {
  expect(DOCS).toBe(configDocs());
});

test('keys of every depth and form are there, each once', () => {
  const paths = [...DOCS.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path);
  expect(paths).toEqual(expect.arrayContaining(['ops.listen', 'pools[].keys[].secret', 'pools[].lease.ttl']));
  expect(new Set(paths).size).toBe(paths.length);
});

test('a key that must be there says so', () => {
  const text = configDocs({ properties: { one: { properties: { two: { description: 'Two.' } }, required: ['two'] } }, required: ['one'] });
  expect(text).toMatch(/## `one`\n\n Required\.\n/);
  expect(text).toContain('| `one.two` | Two. Required. |');
});
