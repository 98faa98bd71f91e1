import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { allButCacheReads, TOKENS_AS_THEY_GO } from './counting.ts';
import type { LimitRow } from './header-reader.ts';
import { parseGoDuration } from './headers.ts';
import { readsRows, xRatelimit } from './limit-rows.ts';
import { GROUP_LIMITED, NEVER_FITS } from './verdict-rows.ts';

/** Requests are told for a day and tokens for a minute; the other limits are in force without a header. */
const LIMITS: readonly LimitRow[] = [
  xRatelimit('requests', '-requests', { parseReset: parseGoDuration, windowMs: 86_400_000, windowNamed: false, refill: 'continuous' }),
  xRatelimit('tokens', '-tokens', { parseReset: parseGoDuration, windowMs: 60_000, windowNamed: false, refill: 'continuous' }),
];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

/** Each model has its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.groq.com/openai/v1');

/** Limits are the organization's. */
const verdicts: readonly VerdictRow[] = [
  { status: [400, 401, 403], match: /organization.{0,20}restricted/i, verdict: 'invalid_credential', scope: 'key' },
  NEVER_FITS,
  GROUP_LIMITED,
  { status: [498], verdict: 'overloaded', scope: 'provider' },
];

const sources: readonly Source[] = [
  { fact: 'Requests are those of a day, tokens those of a minute.', confidence: 'documented', source: 'console.groq.com, rate limits' },
  {
    fact: 'A reset is the time until the limit is full again; it refills continuously.',
    confidence: 'derived',
    source: 'recorded responses',
  },
  {
    fact: 'Requests of a minute, tokens of a day and audio are limited without a header: the wait stands in the message.',
    confidence: 'documented',
    source: 'console.groq.com; aider issue 3265',
  },
  {
    fact: "Limits are the organization's, for each model; cached tokens do not count.",
    confidence: 'documented',
    source: 'console.groq.com, rate limits',
  },
  { fact: '498 is a lack of capacity for flexible requests.', confidence: 'documented', source: 'console.groq.com, errors' },
  { fact: "A restricted organization's key is dead.", confidence: 'reported', source: 'issue threads' },
  { fact: 'When tokens are counted.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'groq',
  limits: LIMITS,
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting: TOKENS_AS_THEY_GO,
  counted: allButCacheReads,
  failedTokensCount: false,
  sources,
};
