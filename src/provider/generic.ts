import type { Dimension, Headers, ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import { isGoDuration, parseAnyReset } from './headers.ts';
import { xRatelimit } from './limit-rows.ts';
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

const LIMITS: readonly LimitRow[] = UNITS.flatMap(([dimension, unit]) =>
  WINDOWS.map(([windowMs, window]) =>
    xRatelimit(dimension, `${unit}${window}`, { windowMs, windowNamed: windowMs !== null, refill: 'fixed', parseReset: parseAnyReset }),
  ),
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

const sources: readonly Source[] = [
  {
    fact: 'The ratelimit fields, also where the policy names its algorithm first.',
    confidence: 'documented',
    source: 'IETF httpapi, ratelimit-headers',
  },
  {
    fact: 'A reset is epoch milliseconds, epoch seconds or seconds from now, by its magnitude.',
    confidence: 'derived',
    source: 'recorded responses',
  },
  { fact: "A limit is the key's, and every token counts.", confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'generic',
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

/** A reset written as Go writes durations marks the dialect whose allowances come back in a straight line. */
function withRefill(row: LimitRow, headers: Headers): LimitRow {
  return isGoDuration(headers.get(row.reset ?? '')?.trim() ?? '') ? { ...row, refill: 'continuous' } : row;
}
