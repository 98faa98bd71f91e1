// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables as they stand in a configuration file
import { expect, test } from 'vitest';
import { minimal, mistakesOf, parse } from './support.ts';

const bomb = ['a: &a0 [x, x]', ...Array.from({ length: 7 }, (_, n) => `b${n}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`)].join(
  '\n',
);

test.each([
  ['a tab as indentation', 'pools:\n\t- id: a\n', '2:1: tabs cannot indent: use spaces'],
  ['a quote left open', 'log: { level: "info }\n', '2:1: a comma, colon, bracket or quote is missing'],
  ['a key that stands twice', 'ops: false\nops: false', '2:1: this key stands here twice'],
  ['a second document', 'ops: false\n---\nops: false\n', '2:1: expected one document, found a second one'],
  ['a tag', 'ops: !off false', '1:6: tags are not supported'],
  ['a tag of YAML itself that stands for bytes', 'log: !!binary c2s=', '1:6: tags are not supported'],
  ['an alias without its anchor', 'ops: *off', '1:6: the alias names no anchor that stands complete above it'],
  ['an alias within its own anchor', 'pools: &p [*p]', '1:12: the alias names no anchor that stands complete above it'],
  ['aliases that multiply', bomb, '1:1: aliases multiply to too much'],
  ['a list as a key', '? [a, b]\n: c\n', '1:3: expected text as key'],
  ['text that starts with a special character', 'log: @info', '1:6: text must be quoted where it starts with a special character'],
  ['an unknown escape', 'log: "\\q"', '1:7: unknown escape after \\ in double quotes'],
  ['text after a bracket', 'listen: [::1]:1', '1:14: unexpected text here: a value with special characters must be quoted'],
  [
    'a variable between brackets without quotes',
    'ops: { listen: ${OPS} }\npools: []\n',
    '1:17: unexpected text here: a value with special characters must be quoted; between brackets, a variable must be quoted: "${NAME}"',
  ],
])('%s is told at its line and column', (_, text, mistake) => {
  expect(mistakesOf(parse(text))).toContain(mistake);
});

test('what follows a broken line is not told as mistakes of its own', () => {
  expect(mistakesOf(parse(minimal({ top: 'listen: [a]:1' })))).toHaveLength(1);
});

test('mistakes that leave the structure whole are told together', () => {
  const text = 'a: @x\nb: "\\q"\nc: @y\n';
  expect(mistakesOf(parse(text)).map((mistake) => mistake.slice(0, 3))).toEqual(['1:4', '2:5', '3:4']);
});
