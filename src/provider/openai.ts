import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { ALL_AT_START, everyToken } from './counting.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import { parseGoDuration, parseIdentifier } from './headers.ts';
import { type RowTraits, xRatelimit } from './limit-rows.ts';
import { GROUP_LIMITED, NEVER_FITS } from './verdict-rows.ts';

const FULL_REFILL: RowTraits = { parseReset: parseGoDuration, windowMs: null, windowNamed: false, refill: 'continuous' };

/** `requests` may be counted over a minute or a day, so no window is assumed. The tighter of both token limits counts. */
const LIMITS: readonly LimitRow[] = [
  xRatelimit('requests', '-requests', FULL_REFILL),
  xRatelimit('tokens', '-tokens', FULL_REFILL),
  xRatelimit('tokens', '-project-tokens', FULL_REFILL),
];

const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const observations = reader.observe(LIMITS);
  const organization = reader.read('openai-organization', parseIdentifier);
  const project = reader.read('openai-project', parseIdentifier);
  return reader.finish(observations, organization && project ? `${organization}/${project}` : organization);
};

/** Dated snapshots share the allowance of the model that they are snapshots of. */
const modelClasses: readonly ModelClassRule[] = [
  ...['gpt-5', 'gpt-5-mini', 'gpt-5-nano', 'gpt-5-pro', 'gpt-5-codex', 'gpt-5.1', 'gpt-5.2'].map(snapshots),
  ...['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano', 'gpt-4.5-preview', 'gpt-4o', 'gpt-4o-mini'].map(snapshots),
  ...['o1', 'o1-mini', 'o1-preview', 'o1-pro', 'o3', 'o3-mini', 'o3-pro', 'o4-mini'].map(snapshots),
  { id: 'gpt-4-turbo', models: ['gpt-4-turbo', 'gpt-4-turbo-*', 'gpt-4-0125-preview', 'gpt-4-1106-preview'] },
  { id: 'gpt-4', models: ['gpt-4', 'gpt-4-0*'] },
  { id: 'gpt-3.5-turbo', models: ['gpt-3.5-turbo', 'gpt-3.5-turbo-0*', 'gpt-3.5-turbo-1106'] },
];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.openai.com/v1');

/** Spent money is told with the status of a rate limit, and its `type` may say less than its `code`: so the narrowest comes first. */
const verdicts: readonly VerdictRow[] = [
  {
    status: [401],
    match: /ip_not_authorized|\bIP\b.{0,80}(?:not authorized|not allowed|allow-?list)/i,
    verdict: 'environment',
    scope: 'request',
  },
  { status: [403], match: /unsupported_country|country, region,? or territory/i, verdict: 'environment', scope: 'request' },
  { status: [429], match: /project_spend_limit_exceeded/, verdict: 'billing', scope: 'key', until: 'month_end' },
  { status: [429], match: /organization_spend_limit_exceeded/, verdict: 'billing', scope: 'limit_group', until: 'month_end' },
  { status: [429], match: /insufficient_quota|credit_balance_exhausted|_usage_limit_exceeded/, verdict: 'billing', scope: 'limit_group' },
  NEVER_FITS,
  { status: [429], match: /resource_unavailable/, verdict: 'overloaded', scope: 'provider' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  { fact: 'A reset is the time until the limit is full again.', confidence: 'documented', source: 'developers.openai.com, rate limits' },
  { fact: 'Requests are counted over a minute or a day: derive the window.', confidence: 'derived', source: 'recorded responses' },
  { fact: 'Limits refill continuously.', confidence: 'derived', source: 'recorded responses' },
  {
    fact: 'Limits belong to organization and project, for each model.',
    confidence: 'documented',
    source: 'developers.openai.com, rate limits',
  },
  {
    fact: 'The larger of max_tokens and an estimate is held from the start.',
    confidence: 'documented',
    source: 'developers.openai.com, rate limits',
  },
  { fact: 'Failed requests count.', confidence: 'documented', source: 'developers.openai.com, rate limits' },
  { fact: 'Cached tokens count.', confidence: 'reported', source: 'public restatements of the documentation' },
  { fact: 'Codes of spent money come with 429.', confidence: 'documented', source: 'help.openai.com, article 5955604' },
  { fact: 'No recorded 429 with rate-limit headers is known.', confidence: 'assumed', source: 'none found' },
];

export const provider: Provider = {
  name: 'openai',
  limits: LIMITS,
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting: ALL_AT_START,
  counted: everyToken,
  failedTokensCount: true,
  sources,
};

function snapshots(id: string): ModelClassRule {
  return { id, models: [id, `${id}-20*`] };
}
