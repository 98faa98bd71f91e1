import type { Counting, Dimension, Headers, ModelClassRule, Provider, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { HeaderReader, type LimitHeaders } from './header-reader.ts';
import { isGoDuration, parseAnyReset } from './headers.ts';
import { readQuotas } from './quotas.ts';

const UNITS: readonly (readonly [dimension: Dimension, suffix: string])[] = [
  ['requests', ''],
  ['requests', '-requests'],
  ['tokens', '-tokens'],
  ['input_tokens', '-input-tokens'],
  ['output_tokens', '-output-tokens'],
];

const WINDOWS: readonly (readonly [windowMs: number | null, suffix: string])[] = [
  [null, ''],
  [1000, '-second'],
  [10_000, '-10-second'],
  [60_000, '-minute'],
  [3_600_000, '-hour'],
  [86_400_000, '-day'],
];

const LIMITS: readonly LimitHeaders[] = UNITS.flatMap(([dimension, unit]) =>
  WINDOWS.map(([windowMs, window]) => limitHeaders(dimension, `${unit}${window}`, windowMs)),
);

const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const rows = LIMITS.map((row) => withRefill(row, headers));
  return reader.finish([...readQuotas(reader), ...reader.observe(rows)], null);
};

/** Each model is taken to have its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, '');

/** Nothing is known of accounts, so a limit is taken to be the key's. */
const verdicts: readonly VerdictRow[] = [
  { status: [429], match: /insufficient_quota/, verdict: 'billing', scope: 'limit_group' },
  { status: [429], verdict: 'rate_limited', scope: 'key', until: 'wait_in_body' },
];

/** Where it is not known when tokens are counted, the later moment is the safe one. */
const counting: Readonly<Record<Dimension, Counting>> = {
  requests: 'at_start',
  input_tokens: 'as_it_goes',
  output_tokens: 'as_it_goes',
  tokens: 'as_it_goes',
};

/** Where it is not known whether caches count, they are taken to. */
const counted: Provider['counted'] = (usage) => ({
  inputTokens: usage.inputTokens + usage.cacheReadInputTokens + usage.cacheCreationInputTokens,
  outputTokens: usage.outputTokens,
});

export const provider: Provider = {
  name: 'generic',
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting,
  counted,
  failedTokensCount: false,
};

function limitHeaders(dimension: Dimension, name: string, windowMs: number | null): LimitHeaders {
  return {
    dimension,
    limit: `x-ratelimit-limit${name}`,
    remaining: `x-ratelimit-remaining${name}`,
    reset: `x-ratelimit-reset${name}`,
    parseReset: parseAnyReset,
    windowMs,
    windowNamed: windowMs !== null,
    refill: 'fixed',
  };
}

/** A reset written as Go writes durations marks the dialect whose allowances come back in a straight line. */
function withRefill(row: LimitHeaders, headers: Headers): LimitHeaders {
  return isGoDuration(headers.get(row.reset)?.trim() ?? '') ? { ...row, refill: 'continuous' } : row;
}
