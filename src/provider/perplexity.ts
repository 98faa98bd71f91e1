import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import type { LimitRow } from './header-reader.ts';
import { readsRows } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

/** No header tells a limit. */
const LIMITS: readonly LimitRow[] = [];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

/** Each model is taken to have its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.perplexity.ai');

/** Limits and money are the account's; spent credits come with the status of a dead key. */
const verdicts: readonly VerdictRow[] = [
  { status: [401], match: /credits?\b|balance|insufficient/i, verdict: 'billing', scope: 'limit_group' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  { fact: 'No header tells a limit.', confidence: 'derived', source: '17 recorded responses' },
  { fact: 'Limits depend on what the account has spent.', confidence: 'documented', source: 'docs.perplexity.ai, rate limits' },
  { fact: 'They are a leaky bucket.', confidence: 'reported', source: 'restatements of the documentation' },
  { fact: 'Spent credits answer 401.', confidence: 'reported', source: 'a guide of September 2026' },
  { fact: 'The words that mean credits; when tokens are counted.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'perplexity',
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
