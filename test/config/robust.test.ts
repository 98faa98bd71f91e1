// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as they stand in a configuration file
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigReading } from '../../src/config/parse.ts';
import { minimal, mistakesOf, mustBeGood, parse } from './support.ts';

/** A good reading, or mistakes that each have a place within the text. */
function expectReadable(text: string): void {
  const reading: ConfigReading = parse(text, { env: { A: 'a' } });
  const places = reading.ok ? [] : reading.mistakes.map(({ line, column }) => ({ line, column }));
  expect(reading.ok).toBe(places.length === 0);
  const lines = text.split(/\r\n|\n|\r/).length;
  expect(places.filter(({ line, column }) => !(line >= 1 && line <= lines + 1 && column >= 1))).toEqual([]);
}

const token = fc.constantFrom(
  ...[...'{}[]:,-?&*!|>%@`"\'#$~\n\t '],
  ...[
    '\n  ',
    '\n    - ',
    ': ',
    '- ',
    '&a ',
    '*a',
    '<<: ',
    '---\n',
    '...\n',
    '!!str ',
    '${A}',
    '${',
    '%YAML 1.1\n',
    '\u0000',
    '\ufeff',
    '\r',
  ],
  ...['pools', 'keys', 'id', 'secret', 'lease', 'ttl', 'limits', 'requests', 'listen', 'store', 'ops', '60s', '1', '.nan', 'null', 'true'],
  ...['__proto__', 'constructor', 'toString', 'env', 'file', 'window', 'limit', 'x'],
);

test('any text that looks like YAML is read or has mistakes with their place', () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), (tokens) => expectReadable(tokens.join(''))),
    { numRuns: 1500 },
  );
});

test('any text at all is read or has mistakes with their place', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), expectReadable), { numRuns: 1000 });
});

test('any data under any key is read or has mistakes with their place', () => {
  const value = fc.json({ maxDepth: 4 });
  fc.assert(
    fc.property(fc.constantFrom('listen', 'ops', 'store', 'log', 'pools', 'insecure', 'drain_timeout'), value, (key, json) =>
      expectReadable(`${key}: ${json}`),
    ),
    { numRuns: 1000 },
  );
});

test('one good file with one character changed is read or has mistakes with their place', () => {
  const good = minimal({ pool: 'lease: { ttl: 5s }', key: 'limits: { requests: [1, { limit: 2, window: 1h }] }' });
  mustBeGood(parse(good));
  fc.assert(
    fc.property(fc.nat(good.length), token, (place, text) => expectReadable(good.slice(0, place) + text + good.slice(place + 1))),
    { numRuns: 1000 },
  );
});

test.each([
  ['flow lists', '['.repeat(5000)],
  ['closed flow lists', `listen: ${'['.repeat(100)}${']'.repeat(100)}`],
  ['flow mappings', '{a: '.repeat(5000)],
  ['block lists', '- '.repeat(20_000)],
  ['block mappings', Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
])('%s nested without end are a mistake', (_, text) => {
  expect(mistakesOf(parse(text))).toContainEqual(expect.stringContaining('nested'));
});
