import type { ModelClassRule, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { ALL_AT_START, allButCacheReads } from './counting.ts';
import type { LimitRow } from './header-reader.ts';
import { readsRows } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

/** No header tells a limit. */
const LIMITS: readonly LimitRow[] = [];

const readHeaders: Provider['readHeaders'] = readsRows(LIMITS);

/** Each model, and each profile that spans regions, has its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

/** The region is part of the address, so the caller knows it. A caller who signs requests takes the secret and leaves the header. */
const credential: Provider['credential'] = (secret) => bearer(secret, '');

/** Errors are told apart by their type. Limits are those of the account in a region. */
const verdicts: readonly VerdictRow[] = [
  {
    status: [400, 403],
    match: errorType(
      'UnrecognizedClient',
      'InvalidClientTokenId',
      'IncompleteSignature',
      'NotAuthorized',
      'Expired\\w*',
      'InvalidSignature',
    ),
    verdict: 'invalid_credential',
    scope: 'key',
  },
  { status: [400, 403], match: errorType('RequestExpired'), verdict: 'environment', scope: 'request' },
  { status: [403, 404], match: errorType('AccessDenied', 'FTUFormNotFilled'), verdict: 'forbidden', scope: 'key_model' },
  { status: [400], match: errorType('ServiceQuotaExceeded'), verdict: 'rate_limited', scope: 'limit_group' },
  { status: [424], verdict: 'server_error', scope: 'request' },
  { status: [429], match: errorType('ModelNotReady'), verdict: 'overloaded', scope: 'provider' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  {
    fact: 'The base URL names the region, https://bedrock-runtime.REGION.amazonaws.com: it is left empty.',
    confidence: 'documented',
    source: 'docs.aws.amazon.com, Bedrock endpoints',
  },
  { fact: 'No header tells a limit.', confidence: 'derived', source: 'recorded responses' },
  { fact: 'The type of an error is x-amzn-errortype up to its colon.', confidence: 'recorded', source: 'a recorded response' },
  { fact: 'A bad key answers 403 UnrecognizedClientException.', confidence: 'recorded', source: 'a recorded response' },
  { fact: 'The types of other signing errors and of quotas.', confidence: 'reported', source: 'restatements of the documentation' },
  {
    fact: 'ModelTimeout, ModelError, expired tokens; a Bedrock API key as a bearer token; cache reads are free of limits.',
    confidence: 'assumed',
    source: 'from memory',
  },
  { fact: 'max_tokens is held from the start.', confidence: 'reported', source: 're:Post' },
  { fact: 'Output of Claude 3.7 and later counts five times; that is not modelled.', confidence: 'reported', source: 're:Post' },
];

export const provider: Provider = {
  name: 'bedrock',
  limits: LIMITS,
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting: ALL_AT_START,
  counted: allButCacheReads,
  failedTokensCount: false,
  sources,
};

/** Matches these types, with or without `Exception`, in the header up to its colon or in the body's `__type` behind its namespace. */
function errorType(...names: readonly string[]): RegExp {
  const name = `(?:${names.join('|')})(?:Exception)?`;
  return new RegExp(`^x-amzn-errortype: (?:[^:]*#)?${name}(?::|$)|"__type"\\s*:\\s*"(?:[^"]*#)?${name}"`);
}
