import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import type { LimitRow } from './header-reader.ts';
import { parseEpochOrDelta } from './headers.ts';
import { readsRows, xRatelimit } from './limit-rows.ts';
import { openrouterBodyReader } from './openrouter-body.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

/** Told with a 429 only, for a minute or a day. */
const LIMITS: readonly LimitRow[] = [
  xRatelimit('requests', '', { parseReset: parseEpochOrDelta, windowMs: null, windowNamed: false, refill: 'fixed' }),
];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

/** All free models share the account's allowance for them. */
const modelClasses: readonly ModelClassRule[] = [{ id: 'free', models: ['*:free', 'openrouter/free'] }];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://openrouter.ai/api/v1');

/** Limits and credits are the account's; a key may have a budget of its own. What an upstream provider refuses is no fault of the key. */
const verdicts: readonly VerdictRow[] = [
  { status: [402], match: /in_flight_budget/, verdict: 'rate_limited', scope: 'limit_group', until: 'wait_in_body' },
  { status: [402], match: /weight_exceeds_budget/, verdict: 'client_error', scope: 'request' },
  { status: [402], match: /openrouter_key_limit/, verdict: 'billing', scope: 'key', until: 'wait_in_body' },
  { status: [403], match: /guardrail|moderation|flagged/i, verdict: 'client_error', scope: 'request' },
  { status: [429], match: /"provider_code"|provider returned error/i, verdict: 'overloaded', scope: 'provider' },
  GROUP_LIMITED,
  { status: [502], match: /provider_unavailable/, verdict: 'overloaded', scope: 'provider' },
];

const sources: readonly Source[] = [
  { fact: 'Successes tell no limits.', confidence: 'documented', source: 'openrouter.ai/docs, limits; 74 recorded responses' },
  {
    fact: 'A 429 of its own carries x-ratelimit-*, often inside the body in error.metadata.headers; the reset is epoch milliseconds.',
    confidence: 'documented',
    source: 'openrouter.ai/docs, limits; issue threads',
  },
  {
    fact: "Limits are the account's: for free models 20 in a minute, 50 or 1000 in a day of UTC.",
    confidence: 'documented',
    source: 'openrouter.ai/docs, limits',
  },
  {
    fact: "limit_source tells the account's credits, the key's limit and the budget in flight apart.",
    confidence: 'documented',
    source: 'openrouter.ai/docs, errors',
  },
  { fact: 'A 403 may be a guardrail or moderation.', confidence: 'documented', source: 'openrouter.ai/docs, errors' },
  {
    fact: 'An error may come with status 200: report the code of its body.',
    confidence: 'documented',
    source: 'openrouter.ai/docs, errors',
  },
  {
    fact: 'limit_reset stands beside limit_source; days and weeks start at midnight UTC, weeks on Monday.',
    confidence: 'assumed',
    source: 'the documentation of keys',
  },
  { fact: 'When tokens are counted, and whether cached ones are.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'openrouter',
  limits: LIMITS,
  readHeaders,
  readBody: openrouterBodyReader(readHeaders),
  modelClasses,
  credential,
  verdicts,
  counting: TOKENS_AS_THEY_GO,
  counted: everyToken,
  failedTokensCount: false,
  sources,
};
