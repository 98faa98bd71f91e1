// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as they stand in a configuration file
import { expect, test } from 'vitest';
import { expandVariables } from '../../src/config/expand.ts';
import { minimal, mustBeGood, parse } from './support.ts';

const ENV = { A: 'alpha', EMPTY: '', REFERENCE: '${A}', NUMBER: '7' };

test.each([
  ['${A}', 'alpha', 'a variable'],
  ['<${A}-${A}>', '<alpha-alpha>', 'several within a text'],
  ['${B:-beta}', 'beta', 'the default of one that is not set'],
  ['${EMPTY:-beta}', 'beta', 'the default of one that is empty'],
  ['${A:-beta}', 'alpha', 'no default where it is set'],
  ['${B:-}', '', 'an empty default'],
  ['${B:-a:-b}', 'a:-b', 'a default up to the bracket'],
  ['${EMPTY}', '', 'an empty variable'],
  ['${REFERENCE}', '${A}', 'a value as it is, never again'],
  ['$${A}', '${A}', 'a doubled dollar as a literal one'],
  ['$$${A}', '$${A}', 'a literal one after a dollar'],
  ['$A $ {A} $', '$A $ {A} $', 'dollars without a bracket as they are'],
])('%s becomes %s: %s', (text, expected) => {
  expect(expandVariables({ a: [text] }, ENV)).toEqual({ tree: { a: [expected] }, findings: [] });
});

test.each([
  ['${B}', 'the environment variable B is not set'],
  ['${toString}', 'the environment variable toString is not set'],
  ['${}', 'expected ${NAME}'],
  ['${1A}', 'expected ${NAME}'],
  ['${A-b}', 'expected ${NAME}'],
  ['${A', 'expected ${NAME}'],
  ['${A:-b', 'expected ${NAME}'],
])('%s is a mistake: %s', (text, message) => {
  expect(expandVariables({ a: [text] }, ENV)).toEqual({
    tree: { a: [undefined] },
    findings: [{ path: ['a', 0], message: expect.stringContaining(message) }],
  });
});

test('names of keys, numbers, flags and nothing stay as they are', () => {
  const tree = { '${A}': 1, b: true, c: null };
  expect(expandVariables(tree, ENV)).toEqual({ tree, findings: [] });
});

test('a variable cannot add structure to the file', () => {
  const secret = 'x", weight: 5 # ';
  const reading = parse(minimal({ secret: '${S}' }), { env: { S: secret } });
  expect(reading).toMatchObject({ ok: false, mistakes: [{ path: 'pools[0].keys[0].secret' }] });
});

test.each(['weight', 'priority', 'max_leases'])('a number from a variable counts as a number: %s', (name) => {
  const [key] = mustBeGood(parse(minimal({ key: `${name}: \${NUMBER}` }), { env: ENV })).pools[0]!.keys;
  expect(Object.values(key!)).toContain(7);
});

test('a limit from a variable counts as a number', () => {
  const [key] = mustBeGood(parse(minimal({ key: 'limits: { requests: "${NUMBER}" }' }), { env: ENV })).pools[0]!.keys;
  expect(key!.limits).toEqual([{ dimension: 'requests', limit: 7, windowMs: 60_000 }]);
});
