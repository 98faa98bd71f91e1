/** Writes docs/providers.md from the tables of src/provider/. */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { LimitHeaders, ModelClassRule, Provider, Source, VerdictRow } from '../src/pool/upstream.ts';
import { providerByName, providerNames } from '../src/provider/index.ts';
import { DEFAULT_VERDICTS } from '../src/provider/judge.ts';

const USAGE = { inputTokens: 1, outputTokens: 0, cacheReadInputTokens: 10, cacheCreationInputTokens: 100 };

const WINDOW_UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
];

const UNTIL_WORDS: Readonly<Record<NonNullable<VerdictRow['until']>, string>> = {
  date_in_body: 'the date in the body',
  month_end: 'the end of the month, UTC',
  wait_in_body: 'the wait in the body',
};

const INTRODUCTION = `<!-- Made by scripts/provider-docs.ts from src/provider/. Edits are lost. -->

# Providers

What keylease reads in the responses of each provider, and what it makes of them. A pool names its provider by the title of a section.

- **Limits**: which headers tell which limit. A window that no header names is the documented one, or is derived from what is missing and
  when it will be back. *continuous* limits refill in a straight line, *fixed* ones all at once when their window ends.
- **Counting**: a dimension is counted *at the start* of a request, all that it may use included, or *as it goes*.
- **Verdicts**: the first row that matches counts, in the error body or in a header line; then the rows that hold everywhere. \`retry-after\`
  (also \`retry-after-ms\` and \`x-ms-retry-after-ms\`, the longest of them) always wins over the end that a row names. A success is never a reason to wait.
- **Sources**: where each fact comes from: *documented* by the provider, *recorded* in a response, *derived* by arithmetic over recorded
  responses, *reported* by others, or *assumed*.

## Everywhere

`;

/** The whole document; the same tables always make the same text. */
export function providerDocs(): string {
  const sections = providerNames.map((name) => section(providerByName(name)!));
  return `${INTRODUCTION}${verdictTable(DEFAULT_VERDICTS)}\nAny other status of 500 and more is \`server_error\`, and the rest is \`client_error\`, for the request.\n\n${sections.join('\n')}`;
}

function section(provider: Provider): string {
  const parts = [
    `## ${provider.name}\n`,
    credentialLine(provider),
    `**Limits.** ${limitsText(provider)}`,
    countingLine(provider),
    `**Models that share an allowance.** ${classesText(provider.modelClasses)}`,
    `**Verdicts.** ${provider.verdicts.length === 0 ? 'Those that hold everywhere.\n' : `Before those that hold everywhere:\n\n${verdictTable(provider.verdicts)}`}`,
    `**Sources.**\n\n${sourcesTable(provider.sources ?? [])}`,
  ];
  return parts.join('\n');
}

function credentialLine({ credential }: Provider): string {
  const { headerName, headerValue, headers, baseUrl } = credential('SECRET');
  const others = Object.entries(headers).map(([name, value]) => `, ${code(`${name}: ${value}`)}`);
  const address = baseUrl === '' ? 'an address that the caller knows' : code(baseUrl);
  return `**Credential.** ${code(`${headerName}: ${headerValue}`)}${others.join('')}, for ${address}.\n`;
}

function limitsText({ limits = [], readBody }: Provider): string {
  const body = readBody === undefined ? '' : ' The bodies of errors tell limits and waits, too.';
  if (limits.length === 0) return `No header tells one.${readBody === undefined ? '' : ' The bodies of errors do, and waits.'}\n`;
  const rows = limits.map((row) => [
    headersOf(row),
    code(row.dimension),
    windowOf(row),
    row.reset === null ? 'not told' : code(row.reset),
    row.refill,
  ]);
  return `Told in headers.${body}\n\n${table(['limit and remaining', 'dimension', 'window', 'reset', 'refill'], rows)}`;
}

function headersOf({ limit, remaining }: LimitHeaders): string {
  return `${code(limit)}, ${code(remaining)}`;
}

function windowOf({ windowMs, windowNamed }: LimitHeaders): string {
  if (windowMs === null) return 'derived';
  const [unitMs, name] = WINDOW_UNITS.find(([ms]) => windowMs % ms === 0)!;
  const amount = windowMs / unitMs;
  return `${amount === 1 ? `1 ${name}` : `${amount} ${name}s`}${windowNamed ? ', named by the header' : ''}`;
}

function countingLine({ counting, counted, failedTokensCount }: Provider): string {
  const dimensions = Object.entries(counting).map(
    ([dimension, when]) => `${code(dimension)} ${when === 'at_start' ? 'at the start' : 'as it goes'}`,
  );
  const { inputTokens } = counted(USAGE);
  const reads = inputTokens % 100 >= 10 ? 'count' : 'do not count';
  const writes = inputTokens >= 100 ? 'count' : 'do not count';
  const failed = failedTokensCount ? 'count' : 'do not count';
  return `**Counting.** ${dimensions.join(', ')}. Tokens read from a cache ${reads}, tokens written to one ${writes}, those of a refused request ${failed}.\n`;
}

function classesText(rules: readonly ModelClassRule[]): string {
  if (rules.length === 0) return 'None: each model has its own.\n';
  return `Any other model has its own.\n\n${table(
    ['class', 'models'],
    rules.map(({ id, models }) => [code(id), models.map(code).join(', ')]),
  )}`;
}

function verdictTable(rows: readonly VerdictRow[]): string {
  return table(
    ['status', 'match', 'verdict', 'scope', 'until'],
    rows.map((row) => [
      row.status.join(', '),
      row.match ? code(String(row.match)) : 'anything',
      code(row.verdict),
      code(row.scope),
      untilOf(row),
    ]),
  );
}

function untilOf({ until, waitMs }: VerdictRow): string {
  const fallback = waitMs === undefined ? [] : [`${waitMs / 1000} s`];
  return [...(until === undefined ? [] : [UNTIL_WORDS[until]]), ...fallback].join(', else ') || 'its default';
}

function sourcesTable(sources: readonly Source[]): string {
  return table(
    ['fact', 'confidence', 'source'],
    sources.map(({ fact, confidence, source }) => [fact, confidence, source]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  return `${lines.join('\n')}\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync('docs/providers.md', providerDocs());
