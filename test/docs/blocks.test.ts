import { describe, expect, test } from 'vitest';
import { blocksOf, isAsShown } from '../../scripts/docs/blocks.ts';

const fence = '```';

describe('the blocks of a document', () => {
  test('are told with their line, language and what a comment says of them', () => {
    const document = `# T

<!-- docs: start -->
${fence}sh
keylease serve
${fence}

${fence}
out
${fence}

<!-- docs: file keylease.yaml -->

${fence}yaml
a: 1
${fence}

<!-- docs: example, needs a cluster -->
${fence}sh
kubectl
${fence}
`;
    expect(blocksOf(document)).toEqual([
      { line: 4, language: 'sh', text: 'keylease serve\n', directive: { kind: 'start' } },
      { line: 8, language: '', text: 'out\n', directive: { kind: 'run' } },
      { line: 14, language: 'yaml', text: 'a: 1\n', directive: { kind: 'file', name: 'keylease.yaml' } },
      { line: 19, language: 'sh', text: 'kubectl\n', directive: { kind: 'example', why: 'needs a cluster' } },
    ]);
  });

  test('whose comment is not understood are refused, so that no block goes unrun by a slip', () => {
    expect(() => blocksOf(`<!-- docs: skip -->\n${fence}sh\ntrue\n${fence}\n`)).toThrow('docs: skip');
  });
});

test.each([
  ['the same text', 'a b\nc', 'a b\nc\n', true],
  ['other numbers and widths', 'KEY  SCORE\nteam 0.97', 'KEY     SCORE\nteam     0.5', true],
  ['anything for …', 'lease kl_Wy…', 'lease kl_WyJkZWZ', true],
  ['another word', 'state cooldown', 'state available', false],
  ['a line more', 'a', 'a\nb', false],
  ['a line less', 'a\nb', 'a', false],
  ['a dot that is no dot', 'a.b', 'axb', false],
])('output with %s', (_name, shown, printed, same) => {
  expect(isAsShown(shown, printed)).toBe(same);
});
