import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import type { LimitRow } from './header-reader.ts';
import { readsRows } from './limit-rows.ts';

/** Trial keys alone are told what is left. */
const LIMITS: readonly LimitRow[] = [
  {
    dimension: 'requests',
    limit: 'x-trial-endpoint-call-limit',
    remaining: 'x-trial-endpoint-call-remaining',
    reset: null,
    parseReset: null,
    windowMs: 60_000,
    windowNamed: false,
    refill: 'fixed',
  },
];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

/** Each model has its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.cohere.com');

/** Limits depend on the kind of key; the month's calls of a trial key are those of all models. */
const verdicts: readonly VerdictRow[] = [
  { status: [402], verdict: 'billing', scope: 'limit_group', until: 'month_end' },
  { status: [429], match: /calls? ?(?:\/|per|a|each) ?month|monthly/i, verdict: 'rate_limited', scope: 'key', until: 'month_end' },
  { status: [429], verdict: 'rate_limited', scope: 'key_model', until: 'wait_in_body', waitMs: 60_000 },
];

const sources: readonly Source[] = [
  { fact: 'Production keys are told no limits.', confidence: 'derived', source: 'about 120 recorded responses' },
  {
    fact: 'Trial keys get x-trial-endpoint-call-*, though not with a 429.',
    confidence: 'reported',
    source: "a client's source and a logged response of June 2026",
  },
  { fact: 'That limit is one of a minute.', confidence: 'assumed', source: 'the documented limits of trial keys' },
  {
    fact: 'Limits depend on the model and the kind of key: calls in a minute, and 1000 in a month for trials.',
    confidence: 'documented',
    source: 'docs.cohere.com, rate limits',
  },
  { fact: 'A 402 ends with the month.', confidence: 'reported', source: 'a restatement of the documentation' },
  { fact: 'When tokens are counted, and whether cached ones are.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'cohere',
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
