import type { Dimension, ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import { parseSeconds } from './headers.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

/** What an organization may always use. */
const BASE: readonly LimitRow[] = [
  limitRow('requests', 'x-ratelimit', '', 'x-ratelimit-reset'),
  limitRow('tokens', 'x-tokenlimit', '', null),
];

/** What it may use at present, which follows its traffic of the last hour; it counts where it is told. */
const DYNAMIC: readonly LimitRow[] = [
  limitRow('requests', 'x-ratelimit', '-dynamic', null),
  limitRow('tokens', 'x-tokenlimit', '-dynamic', null),
];

const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const [base, dynamic] = [reader.observe(BASE), reader.observe(DYNAMIC)];
  const others = base.filter(({ dimension }) => !dynamic.some((each) => each.dimension === dimension));
  return reader.finish([...others, ...dynamic], null);
};

/** Each model has its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.together.xyz/v1');

/** Limits are the organization's. A 403 says that the prompt and `max_tokens` exceed the context. */
const verdicts: readonly VerdictRow[] = [{ status: [403], verdict: 'client_error', scope: 'request' }, GROUP_LIMITED];

const sources: readonly Source[] = [
  {
    fact: 'Limits are those of a second: 60 requests a minute are told as 1.',
    confidence: 'documented',
    source: 'docs.together.ai, rate limits',
  },
  { fact: 'The reset is seconds from now.', confidence: 'documented', source: 'docs.together.ai, rate limits' },
  {
    fact: "Limits are the organization's, for each model, and follow its traffic.",
    confidence: 'documented',
    source: 'docs.together.ai, rate limits',
  },
  { fact: 'A 403 is a prompt that exceeds the context.', confidence: 'documented', source: 'docs.together.ai, error codes' },
  {
    fact: 'The dynamic limit counts before the base one.',
    confidence: 'derived',
    source: 'the error types dynamic_request_limited and dynamic_token_limited',
  },
  { fact: 'When tokens are counted, and whether cached ones are.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'together',
  limits: [...BASE, ...DYNAMIC],
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting: TOKENS_AS_THEY_GO,
  counted: everyToken,
  failedTokensCount: false,
  sources,
};

function limitRow(dimension: Dimension, family: string, suffix: string, reset: string | null): LimitRow {
  return {
    dimension,
    limit: `${family}-limit${suffix}`,
    remaining: `${family}-remaining${suffix}`,
    reset,
    parseReset: reset === null ? null : parseSeconds,
    windowMs: 1000,
    windowNamed: false,
    refill: 'fixed',
  };
}
