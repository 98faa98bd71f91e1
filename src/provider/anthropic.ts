import type { Counting, Dimension, ModelClassRule, Provider, VerdictRow } from '../pool/upstream.ts';
import { HeaderReader, type LimitHeaders } from './header-reader.ts';
import { parseIdentifier, parseRfc3339Reset } from './headers.ts';

const LIMITS: readonly LimitHeaders[] = [
  limitHeaders('requests', 'requests'),
  limitHeaders('input_tokens', 'input-tokens'),
  limitHeaders('output_tokens', 'output-tokens'),
];

/** The sum of both with the earlier reset of both: it would call an empty limit full, so it counts only where it stands alone. */
const SUM: readonly LimitHeaders[] = [limitHeaders('tokens', 'tokens')];

const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const observations = reader.observe(LIMITS);
  const apart = observations.some(({ dimension }) => dimension !== 'requests');
  const account = reader.read('anthropic-organization-id', parseIdentifier);
  return reader.finish(apart ? observations : [...observations, ...reader.observe(SUM)], account);
};

/** A family of older models shares an allowance; from Opus 5, Sonnet 5 and Haiku 4.5 on, each version has its own. */
const modelClasses: readonly ModelClassRule[] = [
  { id: 'claude-opus-5-5', models: ['claude-opus-5-5*'] },
  { id: 'claude-opus-5', models: ['claude-opus-5*'] },
  { id: 'claude-opus-4', models: ['claude-opus-4*'] },
  { id: 'claude-sonnet-5', models: ['claude-sonnet-5*'] },
  { id: 'claude-sonnet-4', models: ['claude-sonnet-4*'] },
  { id: 'claude-haiku-4-5', models: ['claude-haiku-4-5*'] },
  { id: 'claude-fable-5', models: ['claude-fable-5*'] },
  { id: 'claude-mythos-5', models: ['claude-mythos-5*'] },
  { id: 'claude-3-7-sonnet', models: ['claude-3-7-sonnet*'] },
  { id: 'claude-3-5-sonnet', models: ['claude-3-5-sonnet*'] },
  { id: 'claude-3-5-haiku', models: ['claude-3-5-haiku*'] },
  { id: 'claude-3-opus', models: ['claude-3-opus*'] },
  { id: 'claude-3-sonnet', models: ['claude-3-sonnet*'] },
  { id: 'claude-3-haiku', models: ['claude-3-haiku*'] },
];

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
  { status: [429], verdict: 'rate_limited', scope: 'limit_group', until: 'wait_in_body' },
];

const counting: Readonly<Record<Dimension, Counting>> = {
  requests: 'at_start',
  input_tokens: 'at_start',
  output_tokens: 'as_it_goes',
  tokens: 'as_it_goes',
};

/** Reading a cache is free of limits; writing one is not. */
const counted: Provider['counted'] = (usage) => ({
  inputTokens: usage.inputTokens + usage.cacheCreationInputTokens,
  outputTokens: usage.outputTokens,
});

export const provider: Provider = {
  name: 'anthropic',
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting,
  counted,
  failedTokensCount: false,
};

function limitHeaders(dimension: Dimension, name: string): LimitHeaders {
  return {
    dimension,
    limit: `anthropic-ratelimit-${name}-limit`,
    remaining: `anthropic-ratelimit-${name}-remaining`,
    reset: `anthropic-ratelimit-${name}-reset`,
    parseReset: parseRfc3339Reset,
    windowMs: 60_000,
    windowNamed: false,
    refill: 'continuous',
  };
}
