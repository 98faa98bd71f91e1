import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { everyMetric } from '../ops/metrics/scrape.ts';

const PAGE = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

/** The rows that the page should have: one for each metric that is not of the process. */
function rows(): readonly string[] {
  const ours = [...everyMetric()].filter(([name]) => /^(?:keylease|rpc)_/.test(name));
  return ours.map(([name, { labels, help }]) => `| \`${name}\` | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`);
}

test('the page of metrics has each of them, with its labels and its help', () => {
  const shown = PAGE.split('\n').filter((line) => /^\| `(?:keylease|rpc)_/.test(line));
  expect(shown).toEqual(rows());
});
