import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import type { Parser } from './headers.ts';
import { type RowTraits, xRatelimit } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

const MINUTE: RowTraits = { parseReset: null, windowMs: 60_000, windowNamed: false, refill: 'continuous' };

const LIMITS: readonly LimitRow[] = [
  xRatelimit('input_tokens', '-tokens-prompt', MINUTE),
  xRatelimit('input_tokens', '-tokens-cache-adjusted-prompt', MINUTE),
  xRatelimit('output_tokens', '-tokens-generated', MINUTE),
];

/** A response that was served over the limit says so beside the limits: then nothing remains of them. */
const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const observations = reader.observe(LIMITS);
  const over = reader.read('x-ratelimit-over-limit', parseYes) ?? false;
  return reader.finish(over ? observations.map((each) => ({ ...each, remaining: 0 })) : observations, null);
};

/** Each model is taken to have its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.fireworks.ai/inference/v1');

/** Limits and money are the account's. A 412 that names no suspension is a request for an adapter that does not load. */
const verdicts: readonly VerdictRow[] = [
  { status: [403], verdict: 'invalid_credential', scope: 'key' },
  { status: [412], match: /suspended/i, verdict: 'billing', scope: 'limit_group' },
  { status: [412], verdict: 'client_error', scope: 'request' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  { fact: 'Three limits of tokens, without a reset.', confidence: 'documented', source: 'docs.fireworks.ai, rate limits' },
  {
    fact: 'They are those of a minute: one table says second, but recorded values are the documented ceilings of a minute.',
    confidence: 'reported',
    source: 'a public load test',
  },
  { fact: 'The matching remaining headers.', confidence: 'reported', source: 'sources of several clients' },
  {
    fact: 'x-ratelimit-over-limit: yes on a success: served near or over capacity.',
    confidence: 'documented',
    source: 'docs.fireworks.ai, rate limits',
  },
  { fact: "Limits are the account's and follow its traffic.", confidence: 'documented', source: 'docs.fireworks.ai, rate limits' },
  {
    fact: '403 is a matter of authentication, 412 a suspended account.',
    confidence: 'documented',
    source: 'docs.fireworks.ai, error codes',
  },
  { fact: 'When tokens are counted.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'fireworks',
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

const YES_OR_NO: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['true', true],
  ['no', false],
  ['false', false],
]);

function parseYes(text: string): ReturnType<Parser<boolean>> {
  const value = YES_OR_NO.get(text.toLowerCase());
  return value === undefined ? { ignored: 'neither yes nor no' } : { value };
}
