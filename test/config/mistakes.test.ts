import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { formatMistake } from '../../src/config/mistake.ts';
import { MISTAKES } from './mistakes.ts';
import { KNOWN, mistakesOf, parse } from './support.ts';

const FOLDER = join(import.meta.dirname, 'mistakes');

test.each(MISTAKES)('the one mistake of %s is %s', async (fixture, mistake) => {
  const reading = await loadConfig(join(FOLDER, `${fixture}.yaml`), { SET: 'sk-set', EMPTY: '' }, KNOWN);
  expect(mistakesOf(reading)).toEqual([mistake]);
});

test('every file in the folder of mistakes is in the table', () => {
  const fixtures = MISTAKES.map(([fixture]) => `${fixture}.yaml`);
  expect(fixtures.toSorted()).toEqual(readdirSync(FOLDER).toSorted());
});

test('all mistakes of a file are told at once, by line, whatever finds them', () => {
  const text = `listen: 0.0.0.0:50051
listen: localhost
stroe: { kind: file }
pools:
  - id: one
    provider: nobody
    strategy: lest_loaded
    lease: { ttl: 60 }
    keys:
      - id: a b
        secret: \${NOT_SET}
      - id: c
        secret: ''
        weight: \${NOT_SET_EITHER}
  - id: one
    provider: anthropic
    keys:
      - { id: a, secret: same, max_leases: 0 }
      - { id: a, secret: same }
`;
  expect(mistakesOf(parse(text))).toEqual([
    '1:9 listen: expected host:port, [ipv6]:port or unix:/path',
    '2:1: this key stands here twice',
    "3:1 stroe: unknown key 'stroe': did you mean 'store'?",
    "6:15 pools[0].provider: unknown provider 'nobody': known are anthropic, openai",
    expect.stringContaining("7:15 pools[0].strategy: unknown strategy 'lest_loaded': did you mean 'least_loaded'? known are"),
    expect.stringContaining('8:19 pools[0].lease.ttl: a number alone has no unit'),
    expect.stringContaining('10:13 pools[0].keys[0].id: expected 1 to 63 letters'),
    '11:17 pools[0].keys[0].secret: the environment variable NOT_SET is not set',
    '13:17 pools[0].keys[1].secret: the secret is empty',
    '14:17 pools[0].keys[1].weight: the environment variable NOT_SET_EITHER is not set',
    "15:9 pools[1].id: the pool 'one' is there already: pools[0]",
    '18:44 pools[1].keys[0].max_leases: expected a whole number from 1 to 1000000',
    "19:15 pools[1].keys[1].id: the key 'a' is there already: pools[1].keys[0]",
    '19:26 pools[1].keys[1].secret: the keys one/a and one/a have the same secret',
  ]);
});

test('a mistake is one line: file, line, column, path and message', () => {
  const mistake = { file: 'config.yaml', line: 12, column: 5, path: 'pools[0].keys[1].secret', message: 'the secret is empty' };
  expect(formatMistake(mistake)).toBe('config.yaml:12:5 pools[0].keys[1].secret: the secret is empty');
});

test('a mistake without a path has none in its line', () => {
  expect(formatMistake({ file: 'config.yaml', line: 1, column: 2, path: '', message: 'no' })).toBe('config.yaml:1:2: no');
});
