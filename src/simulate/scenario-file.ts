import * as z from 'zod';
import { explainIssues, plainMessages } from '../config/explain.ts';
import { duration, expected, flag, id, mapping, wholeNumber } from '../config/fields.ts';
import { type Finding, formatPath, type Mistake, type Path, sortMistakes } from '../config/mistake.ts';
import { unknownName } from '../config/nearest.ts';
import { readYaml } from '../config/yaml.ts';
import type { Dimension } from '../pool/upstream.ts';
import { dialectNames } from './header-writer.ts';
import type { Limits, Load, Scenario, ScenarioKey, Spread } from './scenario.ts';

/** A scenario and what clients do in it, or every mistake in its file. */
export type ScenarioReading =
  | { readonly ok: true; readonly scenario: Scenario; readonly load: Load }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

function number(min: number, max: number) {
  const error = expected(`a number from ${min} to ${max}`);
  return z.number({ error }).min(min, { error }).max(max, { error });
}

function oneOf<const T extends readonly [string, ...string[]]>(what: string, names: T) {
  return z.enum(names, { error: (issue) => (typeof issue.input === 'string' ? unknownName(what, issue.input, names) : undefined) });
}

const share = () => number(0, 1);
const count = () => wholeNumber(1, Number.MAX_SAFE_INTEGER);
const moment = () => duration('0s', '48h');

const tokens = mapping({ median: count(), spread: number(0, 3).prefault(0.6), max: count().optional() });

const length = mapping({
  min: duration('1ms', '1h').prefault('100ms'),
  median: duration('1ms', '1h').prefault('4s'),
  spread: number(0, 3).prefault(1),
  max: duration('1ms', '1h').prefault('60s'),
});

const trouble = mapping({
  at: moment(),
  for: duration('1ms', '48h'),
  status: wholeNumber(400, 599).prefault(529),
  share: share().prefault(1),
});

const provider = mapping({
  dialect: oneOf('dialect', dialectNames as unknown as [string, ...string[]]),
  headers: flag().prefault(true),
  announces: flag().prefault(true),
  retry_after: flag().prefault(true),
  refill: oneOf('refill', ['continuous', 'fixed']).prefault('continuous'),
  window: duration('1s', '31d').prefault('60s'),
  limits: mapping({
    requests: count().optional(),
    input_tokens: count().optional(),
    output_tokens: count().optional(),
    tokens: count().optional(),
  }).prefault({}),
  concurrency: count().optional(),
  rounding: count().prefault(1_000),
  fill: share().prefault(1),
  troubles: z.array(trouble).prefault([]),
});

const keyList = z
  .array(mapping({ id: id(), organization: id().optional(), revoked_at: moment().optional() }))
  .min(1)
  .max(10_000);

const load = mapping({
  rate: number(0.001, 10_000),
  pattern: oneOf('pattern', ['poisson', 'bursts', 'day']).prefault('poisson'),
  period: duration('1s', '48h').optional(),
  holders: wholeNumber(1, 1_000).prefault(1),
  skew: number(0, 5).prefault(0),
  input_tokens: tokens,
  output_tokens: tokens,
  length: length.prefault({}),
  estimate_error: number(0, 0.99).prefault(0),
  crashed: share().prefault(0),
  late: share().prefault(0),
  late_by: moment().prefault('5s'),
  streamed: share().prefault(0.5),
});

const network = mapping({ min: duration('0s', '1m').prefault('20ms'), max: duration('0s', '1m').prefault('120ms') }).refine(
  ({ min, max }) => min <= max,
  { path: ['min'], error: 'longer than max' },
);

const patience = mapping({ max_wait: duration('0s', '10m').prefault('30s'), give_up: duration('1ms', '1h').prefault('60s') });

const pool = mapping({
  ttl: duration('1s', '24h').prefault('90s'),
  max_leases: wholeNumber(1, 1_000_000).prefault(1_000),
  max_waiters: wholeNumber(0, 1_000_000).prefault(1_000),
  knows_limits: flag().prefault(false),
});

const scenarioSchema = mapping({
  description: z.string().prefault(''),
  duration: duration('1s', '48h'),
  seed: wholeNumber(0, 2 ** 31).prefault(1),
  provider,
  keys: z.union([wholeNumber(1, 10_000), keyList], { error: expected('how many keys, or a list of them') }),
  network: network.prefault({}),
  load,
  patience: patience.prefault({}),
  pool: pool.prefault({}),
});

type Content = z.output<typeof scenarioSchema>;

/** What a scenario file says, or every mistake in it, by line. Never throws. */
export function parseScenario(text: string, fileName: string): ScenarioReading {
  const yaml = readYaml(text);
  const mistake = (path: Path, message: string, part?: 'key' | 'value'): Mistake => ({
    ...{ file: fileName, path: formatPath(path), message },
    ...yaml.position(path, part),
  });
  const syntax = yaml.faults.map(({ line, column, message }): Mistake => ({ file: fileName, line, column, path: '', message }));
  if (yaml.tree === undefined) return { ok: false, mistakes: sortMistakes(syntax) };
  const shape = scenarioSchema.safeParse(yaml.tree, { error: plainMessages });
  const issues = explainIssues(shape.error?.issues ?? []).map(({ path, message, part }) => mistake(path, message, part));
  const crossed = shape.success ? crossCheck(shape.data).map(({ path, message }) => mistake(path, message)) : [];
  const mistakes = [...syntax, ...issues, ...crossed];
  return shape.success && mistakes.length === 0 ? assemble(shape.data, fileName) : { ok: false, mistakes: sortMistakes(mistakes) };
}

/** What only shows when parts of the file are seen together. */
function crossCheck({
  duration: end,
  keys,
  provider: { limits, troubles, concurrency },
  load: { input_tokens, output_tokens },
}: Content): Finding[] {
  const findings: Finding[] = [];
  const add = (path: Path, message: string) => findings.push({ path, message });
  const isOver = (limit: number | undefined, least: number) => limit !== undefined && limit < least;
  if (Object.keys(limits).length === 0 && concurrency === undefined)
    add(['provider', 'limits'], 'expected at least one limit, or concurrency');
  if (isOver(limits.input_tokens, input_tokens.median)) add(['load', 'input_tokens', 'median'], 'more than the limit');
  if (isOver(limits.output_tokens, output_tokens.median)) add(['load', 'output_tokens', 'median'], 'more than the limit');
  if (isOver(limits.tokens, input_tokens.median + output_tokens.median)) add(['load', 'input_tokens', 'median'], 'more than the limit');
  for (const [place, { at }] of troubles.entries())
    if (at >= end) add(['provider', 'troubles', place, 'at'], 'after the end of the scenario');
  const ids = new Set<string>();
  for (const [place, key] of (typeof keys === 'number' ? [] : keys).entries()) {
    if (ids.has(key.id)) add(['keys', place, 'id'], 'this key is there already');
    if (key.revoked_at !== undefined && key.revoked_at >= end) add(['keys', place, 'revoked_at'], 'after the end of the scenario');
    ids.add(key.id);
  }
  return findings;
}

function assemble(content: Content, fileName: string): ScenarioReading {
  const { provider: told, load: asked, patience: wait, pool: traits } = content;
  const { retry_after: retryAfter, window: windowMs, concurrency = null, troubles, limits, ...rest } = told;
  const scenario: Scenario = {
    name: fileName,
    durationMs: content.duration,
    seed: content.seed,
    provider: {
      ...{ ...rest, retryAfter, windowMs, concurrency, limits: limits as Limits, classLimits: {} },
      troubles: troubles.map(({ at, for: forMs, status, share }) => ({ atMs: at, forMs, status, share })),
    },
    keys: keysOf(content.keys),
    network: { leastMs: content.network.min, mostMs: content.network.max },
    patience: { waitMaxMs: wait.max_wait, giveUpMs: wait.give_up },
    pool: { leaseTtlMs: traits.ttl, leasesMax: traits.max_leases, waitersMax: traits.max_waiters, knowsLimits: traits.knows_limits },
  };
  const load: Load = {
    ...{ ratePerSecond: asked.rate, pattern: asked.pattern, holders: asked.holders, skew: asked.skew, modelClass: '' },
    periodMs: asked.period ?? (asked.pattern === 'day' ? content.duration : 30_000),
    inputTokens: tokensOf(asked.input_tokens, limits, 'input_tokens'),
    outputTokens: tokensOf(asked.output_tokens, limits, 'output_tokens'),
    lengthMs: { median: asked.length.median, spread: asked.length.spread, least: asked.length.min, most: asked.length.max },
    ...{ estimateError: asked.estimate_error, crashed: asked.crashed, late: asked.late, lateByMs: asked.late_by, streamed: asked.streamed },
  };
  return { ok: true, scenario, load };
}

function keysOf(keys: Content['keys']): readonly ScenarioKey[] {
  const list = typeof keys === 'number' ? Array.from({ length: keys }, (_, place) => ({ id: `key-${place + 1}` })) : keys;
  return list.map(({ id, ...key }: { id: string; organization?: string | undefined; revoked_at?: number | undefined }) => ({
    ...{ id, organization: key.organization ?? `org-${id}`, revokedAtMs: key.revoked_at ?? null },
  }));
}

/** No call is larger than the share of a limit that still leaves room for a wrong estimate. */
function tokensOf(
  { median, spread, max }: Content['load']['input_tokens'],
  limits: Content['provider']['limits'],
  dimension: Dimension,
): Spread {
  const limit = limits[dimension] ?? (limits.tokens === undefined ? undefined : limits.tokens / 2) ?? Number.POSITIVE_INFINITY;
  return { median, spread, least: 1, most: Math.max(median, Math.min(max ?? median * 20, Math.floor(limit / 2))) };
}
