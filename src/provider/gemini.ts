import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import { GEMINI_MODELS, GOOGLE_REFUSALS, readGoogleBody } from './google.ts';
import type { LimitRow } from './header-reader.ts';
import { readsRows } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

/** Limits are told in error bodies only. */
const LIMITS: readonly LimitRow[] = [];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

const modelClasses: readonly ModelClassRule[] = GEMINI_MODELS;

const credential: Provider['credential'] = (secret) => ({
  secret,
  headerName: 'x-goog-api-key',
  headerValue: secret,
  headers: {},
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
});

/** Limits are the project's. */
const verdicts: readonly VerdictRow[] = [
  { status: [400], match: /API_KEY_INVALID/, verdict: 'invalid_credential', scope: 'key' },
  { status: [400], match: /FAILED_PRECONDITION/, verdict: 'environment', scope: 'request' },
  { status: [403], match: /requests to this API .{0,200}\bare blocked/is, verdict: 'invalid_credential', scope: 'key' },
  { status: [403], match: /reported as leaked/i, verdict: 'invalid_credential', scope: 'key' },
  ...GOOGLE_REFUSALS,
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  { fact: 'No header tells a limit.', confidence: 'derived', source: 'more than 90 recorded responses' },
  { fact: 'The wait is retryDelay in the body, cut to whole seconds.', confidence: 'recorded', source: 'a recorded 429' },
  {
    fact: "Limits are the project's, for each model; daily ones start anew at midnight Pacific time.",
    confidence: 'documented',
    source: 'ai.google.dev, rate limits',
  },
  { fact: 'A short retryDelay beside a daily quota misleads.', confidence: 'reported', source: 'issue threads' },
  { fact: 'A bad key answers 400 API_KEY_INVALID.', confidence: 'recorded', source: 'a recorded response' },
  { fact: '`limit: 0` means no quota for the model.', confidence: 'reported', source: 'a blog of October 2026' },
  { fact: 'A key that leaked answers 403, its requests are blocked.', confidence: 'reported', source: 'issue threads' },
  {
    fact: 'When tokens are counted, and whether cached ones are; which versions share a quota.',
    confidence: 'assumed',
    source: 'nothing is known',
  },
];

export const provider: Provider = {
  name: 'gemini',
  limits: LIMITS,
  readHeaders,
  readBody: readGoogleBody,
  modelClasses,
  credential,
  verdicts,
  counting: TOKENS_AS_THEY_GO,
  counted: everyToken,
  failedTokensCount: false,
  sources,
};
