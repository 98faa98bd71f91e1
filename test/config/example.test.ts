// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as they stand in a configuration file
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { revealSecret } from '../../src/config/secret.ts';
import { KNOWN, mistakesOf, mustBeGood, parse } from './support.ts';

const CONFIG = join(import.meta.dirname, '../../config');
const EXAMPLE = readFileSync(join(CONFIG, 'example.yaml'), 'utf8');

test('the example starts without any environment', async () => {
  const { pools, warnings } = mustBeGood(await loadConfig(join(CONFIG, 'example.yaml'), {}, KNOWN));
  expect(warnings).toEqual([]);
  expect(pools.map(({ id, provider }) => ({ id, provider }))).toEqual([{ id: 'default', provider: 'anthropic' }]);
  expect(pools[0]!.keys.map(({ limitGroup }) => limitGroup)).toEqual(['org-1', 'org-1', null]);
});

test('the example takes its secrets from the environment', () => {
  const env = { ANTHROPIC_KEY_A: 'sk-a', ANTHROPIC_KEY_B: 'sk-b', ANTHROPIC_KEY_C: 'sk-c' };
  const [pool] = mustBeGood(parse(EXAMPLE, { env })).pools;
  expect(pool!.keys.map(({ secret }) => revealSecret(secret))).toEqual(['sk-a', 'sk-b', 'sk-c']);
});

test('the second pool of the example works once it is no longer a comment', () => {
  const text = EXAMPLE.replaceAll(/^ {2}# ( *(- id: openai|provider:|strategy: power|keys:|- id: main|secret: \$\{OPENAI).*)$/gm, '  $1');
  const { pools } = mustBeGood(parse(text, { env: { OPENAI_KEY: 'sk-o' }, strategies: ['least_loaded', 'power_of_two'] }));
  expect(pools.map(({ id, strategy }) => [id, strategy])).toEqual([['default', 'least_loaded'], ['openai', 'power_of_two']]); // biome-ignore format: one row a pool
});

test('the example names every key that a file may have', () => {
  const words = new Set(EXAMPLE.match(/[a-z_]+(?=:)/g));
  expect([...keysOf(configJsonSchema())].filter((key) => !words.has(key))).toEqual([]);
});

test('every key of the schema has a description', () => {
  expect([...keysOf(configJsonSchema(), (schema) => schema.description === undefined)]).toEqual([]);
});

test('the first line of the example leads editors to the schema', () => {
  expect(EXAMPLE.split('\n', 1)).toEqual(['# yaml-language-server: $schema=./keylease.schema.json']);
});

test('the committed schema is the one that the code makes', () => {
  const committed = parseYaml(readFileSync(join(CONFIG, 'keylease.schema.json'), 'utf8'));
  expect(committed).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

test('the schema asks only for what has no default', () => {
  expect(configJsonSchema()).toMatchObject({
    required: ['pools'],
    properties: {
      pools: { items: { required: ['id', 'provider', 'keys'], properties: { keys: { items: { required: ['id', 'secret'] } } } } },
    },
  });
});

test.each([
  ['the example as it is written', '', '', true],
  ['a variable in place of a number', 'priority: -1', 'priority: ${PRIORITY}', true],
  ['a variable in place of a duration', 'max_ttl: 15m', 'max_ttl: "${TTL_MAX}"', true],
  ['a number out of bounds', 'priority: -1', 'weight: 1001', false],
  ['a duration without a unit', 'max_ttl: 15m', 'max_ttl: 15', false],
  ['an unknown key', 'priority: -1', 'prio: -1', false],
])('the schema for editors judges %s', (_, from, to, accepted) => {
  const schema = z.fromJSONSchema(configJsonSchema() as z.core.JSONSchema.JSONSchema);
  expect(schema.safeParse(parseYaml(EXAMPLE.replace(from, () => to))).success).toBe(accepted);
});

test('a mistake in the example is told at its place', () => {
  const lines = EXAMPLE.split('\n');
  const line = lines.findIndex((text) => text.includes('max_ttl: 15m'));
  const place = `${line + 1}:${lines[line]!.indexOf('15m') + 1} pools[0].lease.max_ttl: `;
  expect(mistakesOf(parse(EXAMPLE.replace('max_ttl: 15m', 'max_ttl: 15')))).toEqual([expect.stringContaining(place)]);
});

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Record<string, SchemaNode>;
}

/** The names of all keys, at any depth, whose schema passes. */
function* keysOf(node: unknown, passes: (schema: SchemaNode) => boolean = () => true): Generator<string> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, schema] of Object.entries((node as SchemaNode).properties ?? {})) if (passes(schema)) yield name;
  for (const child of Object.values(node)) yield* keysOf(child, passes);
}
