import type { Counting, Dimension, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { modelClasses } from './anthropic-models.ts';
import { SUBSCRIPTION_VERDICTS, subscriptionWait } from './anthropic-subscription.ts';
import { allButCacheReads } from './counting.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import { parseIdentifier, parseRfc3339Reset } from './headers.ts';

const REQUESTS = limitRow('requests', 'anthropic-ratelimit-requests');

const TOKENS: readonly LimitRow[] = [
  limitRow('input_tokens', 'anthropic-ratelimit-input-tokens'),
  limitRow('output_tokens', 'anthropic-ratelimit-output-tokens'),
];

/** Fast mode has an allowance of its own, and only its responses tell it. */
const FAST: readonly LimitRow[] = [
  limitRow('input_tokens', 'anthropic-fast-input-tokens'),
  limitRow('output_tokens', 'anthropic-fast-output-tokens'),
];

/** The sum of both with the earlier reset of both: it would call an empty limit full, so it counts only where it stands alone. */
const SUM = limitRow('tokens', 'anthropic-ratelimit-tokens');

const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const requests = reader.observe([REQUESTS]);
  const [fast, standard, sum] = [reader.observe(FAST), reader.observe(TOKENS), reader.observe([SUM])];
  const tokens = [fast, standard, sum].find((told) => told.length > 0) ?? [];
  const account = reader.read('anthropic-organization-id', parseIdentifier);
  return reader.finish([...requests, ...tokens], account, subscriptionWait(reader));
};

const credential: Provider['credential'] = (secret) => ({
  secret,
  headerName: 'x-api-key',
  headerValue: secret,
  headers: { 'anthropic-version': '2023-06-01' },
  baseUrl: 'https://api.anthropic.com',
});

/** Limits and money are the organization's. Statuses that are not here mean what they mean everywhere. */
const verdicts: readonly VerdictRow[] = [
  { status: [400], match: /credit balance is too low/i, verdict: 'billing', scope: 'limit_group' },
  { status: [400], match: /reached your specified .{0,40}usage limits/i, verdict: 'billing', scope: 'limit_group', until: 'date_in_body' },
  { status: [400], match: /organization has been disabled/i, verdict: 'invalid_credential', scope: 'key' },
  { status: [401], match: /CORS requests are not allowed/i, verdict: 'client_error', scope: 'request' },
  { status: [429], match: /enforced_spend_limit_reached/, verdict: 'billing', scope: 'limit_group', until: 'month_end' },
  ...SUBSCRIPTION_VERDICTS,
  { status: [429], verdict: 'rate_limited', scope: 'limit_group', until: 'wait_in_body' },
];

const counting: Readonly<Record<Dimension, Counting>> = {
  requests: 'at_start',
  input_tokens: 'at_start',
  output_tokens: 'as_it_goes',
  tokens: 'as_it_goes',
};

const sources: readonly Source[] = [
  {
    fact: 'A reset is the time until the limit is full again, not until the next try.',
    confidence: 'documented',
    source: 'platform.claude.com, rate limits',
  },
  { fact: 'The tokens headers are sums with the earlier of both resets.', confidence: 'derived', source: '146 recorded responses' },
  { fact: 'Remaining tokens are rounded to the nearest thousand.', confidence: 'derived', source: '146 recorded responses' },
  {
    fact: 'Output counts as it is written; max_tokens does not count.',
    confidence: 'documented',
    source: 'platform.claude.com, rate limits',
  },
  { fact: 'Reading a cache does not count for most models.', confidence: 'documented', source: 'platform.claude.com, rate limits' },
  { fact: 'Which models share an allowance.', confidence: 'reported', source: 'a restatement of the documentation, September 2026' },
  {
    fact: 'Fast mode has limits of its own, told by anthropic-fast-* in its responses. Lease its calls as MODEL-fast.',
    confidence: 'documented',
    source: 'platform.claude.com, fast mode',
  },
  {
    fact: 'anthropic-priority-* is not learnt: beyond it requests fall back to the standard tier, whose limits they draw on anyway.',
    confidence: 'documented',
    source: 'platform.claude.com, service tiers',
  },
  {
    fact: 'Windows of subscriptions (anthropic-ratelimit-unified-*): the status counts, the latest reset of the rejected ones binds.',
    confidence: 'reported',
    source: 'issue threads of several gateways',
  },
  {
    fact: 'A spend limit that was reached ends with the month, in UTC.',
    confidence: 'reported',
    source: 'quotations of the documentation',
  },
];

export const provider: Provider = {
  name: 'anthropic',
  limits: [REQUESTS, ...TOKENS, ...FAST, SUM],
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting,
  counted: allButCacheReads,
  failedTokensCount: false,
  sources,
};

function limitRow(dimension: Dimension, name: string): LimitRow {
  return {
    dimension,
    limit: `${name}-limit`,
    remaining: `${name}-remaining`,
    reset: `${name}-reset`,
    parseReset: parseRfc3339Reset,
    windowMs: 60_000,
    windowNamed: false,
    refill: 'continuous',
  };
}
