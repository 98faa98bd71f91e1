import type { Counting, Dimension, ModelClassRule, Provider, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { HeaderReader, type LimitHeaders } from './header-reader.ts';
import { parseGoDuration, parseIdentifier } from './headers.ts';

/** `requests` may be counted over a minute or a day, so no window is assumed. The tighter of both token limits counts. */
const LIMITS: readonly LimitHeaders[] = [
  limitHeaders('requests', 'requests'),
  limitHeaders('tokens', 'tokens'),
  limitHeaders('tokens', 'project-tokens'),
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
  { status: [429, 413], match: /request too large/i, verdict: 'client_error', scope: 'request' },
  { status: [429], match: /resource_unavailable/, verdict: 'overloaded', scope: 'provider' },
  { status: [429], verdict: 'rate_limited', scope: 'limit_group', until: 'wait_in_body' },
];

/** It holds the larger of `max_tokens` and its own estimate from the moment that a request arrives. */
const counting: Readonly<Record<Dimension, Counting>> = {
  requests: 'at_start',
  input_tokens: 'at_start',
  output_tokens: 'at_start',
  tokens: 'at_start',
};

/** Caches make tokens cheaper, not fewer. */
const counted: Provider['counted'] = (usage) => ({
  inputTokens: usage.inputTokens + usage.cacheReadInputTokens + usage.cacheCreationInputTokens,
  outputTokens: usage.outputTokens,
});

export const provider: Provider = {
  name: 'openai',
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting,
  counted,
  failedTokensCount: true,
};

function limitHeaders(dimension: Dimension, name: string): LimitHeaders {
  return {
    dimension,
    limit: `x-ratelimit-limit-${name}`,
    remaining: `x-ratelimit-remaining-${name}`,
    reset: `x-ratelimit-reset-${name}`,
    parseReset: parseGoDuration,
    windowMs: null,
    windowNamed: false,
    refill: 'continuous',
  };
}

function snapshots(id: string): ModelClassRule {
  return { id, models: [id, `${id}-20*`] };
}
