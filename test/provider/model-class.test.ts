import { expect, test } from 'vitest';
import { modelClassOf } from '../../src/provider/model-class.ts';

const RULES = [
  { id: 'first', models: ['a-*-z', 'exact'] },
  { id: 'second', models: ['a-*', '*end', 'm*m*m', 'Dot.1', '(+)?'] },
];

test.each([
  ['no model has no class', '', ''],
  ['the first rule that matches counts', 'a-b-z', 'first'],
  ['a later rule counts where the first does not match', 'a-b', 'second'],
  ['a star stands for no text too', 'a-', 'second'],
  ['a star stands for any text before', 'the-end', 'second'],
  ['a name is a whole name', 'exactly', 'exactly'],
  ['head and tail do not overlap', 'a-z', 'second'],
  ['pieces between stars come in order and apart', 'm-m-m', 'second'],
  ['pieces between stars do not overlap', 'mm', 'mm'],
  ['case does not matter', 'A-B-Z', 'first'],
  ['case does not matter in a rule', 'dot.1', 'second'],
  ['a dot is a dot', 'dotx1', 'dotx1'],
  ['signs stand for themselves', '(+)?', 'second'],
  ['any other model is its own class, in lower case', 'Other-Model', 'other-model'],
  ['a long name is cut to 64 characters', 'X'.repeat(65), 'x'.repeat(64)],
])('%s', (_, model, id) => {
  expect(modelClassOf(RULES, model)).toBe(id);
});

test('a glob of many stars takes no longer on a name that almost matches', () => {
  const rules = [{ id: 'stars', models: [`${'a*'.repeat(5000)}b`] }];
  expect(modelClassOf(rules, `${'a'.repeat(50_000)}c`)).toBe('a'.repeat(64));
}, 1000);
