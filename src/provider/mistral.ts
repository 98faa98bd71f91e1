import type { Dimension, ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import { nextMonth } from './dates.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import { parseSeconds } from './headers.ts';
import { xRatelimit } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

const MONTH_MS = 30 * 86_400_000;

const LIMITS: readonly LimitRow[] = [
  limitRow('requests', '-req-10-second', 10_000),
  limitRow('requests', '-req-minute', 60_000),
  limitRow('tokens', '-tokens-minute', 60_000),
  limitRow('tokens', '-tokens-month', MONTH_MS),
  {
    ...limitRow('tokens', '-tokens-minute', 60_000),
    limit: 'x-ratelimitbysize-limit-minute',
    remaining: 'x-ratelimitbysize-remaining-minute',
    reset: 'ratelimitbysize-reset',
    parseReset: parseSeconds,
  },
];

/** Every header names its window and none its end: a month is taken to be the calendar's, any other window to start with the response. */
const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const observations = reader.observe(LIMITS);
  const monthMs = nextMonth(reader.clock) - reader.clock;
  const ended = observations.map((each) => (each.windowMs === MONTH_MS ? { ...each, resetInMs: monthMs } : each));
  return reader.finish(ended, null);
};

/** Each model is taken to have its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.mistral.ai/v1');

/** Limits are the workspace's. */
const verdicts: readonly VerdictRow[] = [
  { status: [429], match: /service_tier_capacity_exceeded|"code"\s*:\s*"?3505\b/, verdict: 'overloaded', scope: 'provider' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  { fact: 'The suffix of a header names its window; no header tells the reset.', confidence: 'recorded', source: '52 recorded responses' },
  { fact: 'Streamed responses carry none of them.', confidence: 'recorded', source: '14 recorded responses' },
  {
    fact: 'Audio seconds, pages and characters have headers too; they are not limited here.',
    confidence: 'recorded',
    source: 'recorded responses',
  },
  { fact: 'The older ratelimitbysize headers.', confidence: 'recorded', source: 'the source of tidyllm' },
  { fact: "Limits are the workspace's.", confidence: 'documented', source: 'docs.mistral.ai, usage limits' },
  { fact: 'Code 3505 is a lack of capacity, not a limit.', confidence: 'reported', source: 'issue threads' },
  { fact: "Windows are fixed, and a month is the calendar's.", confidence: 'assumed', source: 'the samples do not tell' },
  { fact: 'When tokens are counted, and whether cached ones are.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'mistral',
  limits: LIMITS,
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting: TOKENS_AS_THEY_GO,
  counted: everyToken,
  failedTokensCount: false,
  sources,
};

function limitRow(dimension: Dimension, suffix: string, windowMs: number): LimitRow {
  return xRatelimit(dimension, suffix, { parseReset: null, windowMs, windowNamed: true, refill: 'fixed' });
}
