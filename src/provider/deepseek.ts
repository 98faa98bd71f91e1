import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import type { LimitRow } from './header-reader.ts';
import { readsRows } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

/** What is limited is the number of requests at a time, and no header tells it. */
const LIMITS: readonly LimitRow[] = [];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

/** Each model has its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.deepseek.com');

/** The keys of an account share its limit. */
const verdicts: readonly VerdictRow[] = [GROUP_LIMITED];

const sources: readonly Source[] = [
  { fact: 'No header tells a limit.', confidence: 'derived', source: '30 recorded responses' },
  {
    fact: 'The number of requests at a time is limited, for account and model, whatever the key.',
    confidence: 'documented',
    source: 'api-docs.deepseek.com, rate limit',
  },
  { fact: 'A bad key answers 401 with the misleading code invalid_request_error.', confidence: 'recorded', source: 'a recorded response' },
  { fact: '402, 422, 500 and 503 mean what they mean everywhere.', confidence: 'documented', source: 'api-docs.deepseek.com, error codes' },
];

export const provider: Provider = {
  name: 'deepseek',
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
