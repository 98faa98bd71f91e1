import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import type { LimitRow } from './header-reader.ts';
import { type RowTraits, readsRows, xRatelimit } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

const MINUTE: RowTraits = { parseReset: null, windowMs: 60_000, windowNamed: false, refill: 'fixed' };

const LIMITS: readonly LimitRow[] = [xRatelimit('requests', '-requests', MINUTE), xRatelimit('tokens', '-tokens', MINUTE)];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

/** Each model is taken to have its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.x.ai/v1');

/** Limits and money are the team's. */
const verdicts: readonly VerdictRow[] = [
  { status: [400], match: /incorrect API key/i, verdict: 'invalid_credential', scope: 'key' },
  { status: [403, 429], match: /used all available credits|reached its monthly spending limit/i, verdict: 'billing', scope: 'limit_group' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  { fact: 'Limit and remaining are told, a reset is not.', confidence: 'derived', source: '54 recorded responses' },
  {
    fact: "Limits are the team's, for each model; tokens are those of a minute.",
    confidence: 'documented',
    source: 'docs.x.ai, rate limits',
  },
  {
    fact: 'Requests are those of a minute, though a sixtieth of it may be enforced each second.',
    confidence: 'assumed',
    source: 'the documented limits',
  },
  { fact: 'Windows are fixed.', confidence: 'assumed', source: 'the samples do not tell' },
  { fact: 'A bad key answers 400.', confidence: 'recorded', source: 'a recorded response' },
  { fact: 'Spent credits answer 403 or 429.', confidence: 'reported', source: 'logs of September 2026' },
  { fact: 'When tokens are counted, and whether cached ones are.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'xai',
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
