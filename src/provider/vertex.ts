import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { everyToken, TOKENS_AS_THEY_GO } from './counting.ts';
import { GEMINI_MODELS, GOOGLE_REFUSALS, readGoogleBody } from './google.ts';
import type { LimitRow } from './header-reader.ts';
import { readsRows } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

/** Limits are told in error bodies only. */
const LIMITS: readonly LimitRow[] = [];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

const modelClasses: readonly ModelClassRule[] = GEMINI_MODELS;

/** The secret is an OAuth access token. Project and location are part of the address, so the caller knows it. */
const credential: Provider['credential'] = (secret) => bearer(secret, '');

/** Pay-as-you-go shares one pool among all customers: its exhaustion is nobody's limit. */
const verdicts: readonly VerdictRow[] = [
  { status: [400], match: /FAILED_PRECONDITION/, verdict: 'environment', scope: 'request' },
  ...GOOGLE_REFUSALS,
  { status: [429], match: /resource (?:has been )?exhausted/i, verdict: 'overloaded', scope: 'provider' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  {
    fact: 'The base URL names the location, https://LOCATION-aiplatform.googleapis.com/v1beta1 or https://aiplatform.googleapis.com: it is left empty.',
    confidence: 'documented',
    source: 'cloud.google.com, Vertex AI',
  },
  {
    fact: 'A 429 "Resource exhausted" is shared capacity, not a quota of the project.',
    confidence: 'documented',
    source: 'cloud.google.com, dynamic shared quota',
  },
  { fact: '401 UNAUTHENTICATED: the access token has ended.', confidence: 'documented', source: 'cloud.google.com, authentication' },
  { fact: 'When tokens are counted, and whether cached ones are.', confidence: 'assumed', source: 'nothing is known' },
];

export const provider: Provider = {
  name: 'vertex',
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
