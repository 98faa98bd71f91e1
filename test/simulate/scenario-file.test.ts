import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatMistake } from '../../src/config/mistake.ts';
import { DEFAULT_SCENARIO } from '../../src/simulate/default-scenario.ts';
import { parseScenario } from '../../src/simulate/scenario-file.ts';
import { PLAIN } from './short.ts';

const EXAMPLES = 'examples/scenarios';

const mistakesOf = (text: string) => {
  const reading = parseScenario(text, 's.yaml');
  return reading.ok ? [] : reading.mistakes.map(formatMistake);
};

test.each(readdirSync(EXAMPLES))('the example %s has no mistakes', (name) => {
  expect(mistakesOf(readFileSync(`${EXAMPLES}/${name}`, 'utf8'))).toEqual([]);
});

test('what is simulated where no file is named is an example', () => {
  expect(DEFAULT_SCENARIO).toBe(readFileSync(`${EXAMPLES}/saturated-anthropic.yaml`, 'utf8'));
});

test.each([
  ['an unknown key', 'keys: 2', 'kees: 2', /^s\.yaml:4:1 kees: unknown key 'kees': did you mean 'keys'\?/],
  ['an unknown dialect', 'anthropic', 'antropic', /^s\.yaml:3:22 provider\.dialect: unknown dialect 'antropic': did you mean/],
  ['a share above 1', 'keys: 2', 'keys: 2\npool: 3', /^s\.yaml:5:7 pool: expected a mapping/],
  ['no limit at all', '{ requests: 60 }', '{}', /provider\.limits: expected at least one limit, or concurrency/],
  ['a call that never fits', 'requests: 60', 'input_tokens: 60', /load\.input_tokens\.median: more than the limit/],
  ['a key twice', 'keys: 2', 'keys: [{ id: a }, { id: a }]', /keys\[1\]\.id: this key is there already/],
  ['a time after the end', 'keys: 2', 'keys: [{ id: a, revoked_at: 1m }]', /keys\[0\]\.revoked_at: after the end of the scenario/],
  ['a broken file', 'keys: 2', 'keys: [', /^s\.yaml:\d+:\d+: /],
])('%s is a mistake with its place', (_name, from, to, mistake) => {
  expect(mistakesOf(PLAIN.replace(from, to))).toContainEqual(expect.stringMatching(mistake));
});
