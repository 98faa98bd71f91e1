import { expect, test } from 'vitest';
import { modelClassOf } from '../../src/provider/model-class.ts';
import { provider } from '../../src/provider/openai.ts';
import { ARRIVED, headersOf, OPENAI_200, OPENAI_200_DAILY, OPENAI_429_BARE } from './responses.ts';

const COMMON = { windowMs: null, windowNamed: false, refill: 'continuous' };

test.each([
  [
    'a day',
    OPENAI_200_DAILY,
    [
      { dimension: 'requests', limit: 200, remaining: 197, resetInMs: 1_252_666, ...COMMON },
      { dimension: 'tokens', limit: 40_000, remaining: 39_974, resetInMs: 39, ...COMMON },
    ],
  ],
  [
    'a minute',
    OPENAI_200,
    [
      { dimension: 'requests', limit: 5000, remaining: 4999, resetInMs: 12, ...COMMON },
      { dimension: 'tokens', limit: 2_000_000, remaining: 1_999_235, resetInMs: 22, ...COMMON },
    ],
  ],
  ['an unknown time, without headers', OPENAI_429_BARE, []],
])('the headers of requests counted over %s are read without assuming a window', (_, headers, observations) => {
  expect(provider.readHeaders(headers, ARRIVED.openai200)).toEqual({ observations, retryAfterMs: null, account: null, ignored: [] });
});

test.each([
  ['a tighter project limit counts', 'x-ratelimit-remaining-tokens: 900\nx-ratelimit-remaining-project-tokens: 40', [40]],
  ['a looser project limit does not', 'x-ratelimit-remaining-tokens: 900\nx-ratelimit-remaining-project-tokens: 4000', [900]],
  ['an equal project limit does not', 'x-ratelimit-remaining-tokens: 900\nx-ratelimit-remaining-project-tokens: 900', [900]],
  ['a project limit counts where it stands alone', 'x-ratelimit-remaining-project-tokens: 40', [40]],
  [
    'a project limit with nothing known to remain does not',
    'x-ratelimit-remaining-tokens: 900\nx-ratelimit-limit-project-tokens: 40',
    [900],
  ],
])('%s', (_, lines, remaining) => {
  const { observations } = provider.readHeaders(headersOf(lines), ARRIVED.openai200);
  expect(observations.map((observation) => observation.remaining)).toEqual(remaining);
  expect(observations.map(({ dimension }) => dimension)).toEqual(['tokens']);
});

test.each([
  ['the organization', 'openai-organization: acme', 'acme'],
  ['the organization with its project', 'openai-organization: acme\nopenai-project: proj_1', 'acme/proj_1'],
  ['unknown without an organization', 'openai-project: proj_1', null],
  ['unknown where nothing is said', 'server: x', null],
])('the account is %s', (_, lines, account) => {
  expect(provider.readHeaders(headersOf(lines), 0).account).toBe(account);
});

test.each([
  ['gpt-4o-2024-08-06', 'gpt-4o'],
  ['gpt-4o', 'gpt-4o'],
  ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
  ['gpt-4.1-nano-2025-04-14', 'gpt-4.1-nano'],
  ['gpt-5-2025-08-07', 'gpt-5'],
  ['gpt-5-mini', 'gpt-5-mini'],
  ['o3-mini-2025-01-31', 'o3-mini'],
  ['gpt-4-turbo-2024-04-09', 'gpt-4-turbo'],
  ['gpt-4-0125-preview', 'gpt-4-turbo'],
  ['gpt-4-0613', 'gpt-4'],
  ['gpt-3.5-turbo-0125', 'gpt-3.5-turbo'],
  ['gpt-3.5-turbo-16k', 'gpt-3.5-turbo-16k'],
  ['gpt-4o-audio-preview', 'gpt-4o-audio-preview'],
])('%s draws on the allowance of %s', (model, id) => {
  expect(modelClassOf(provider.modelClasses, model)).toBe(id);
});

test('the secret is a bearer token', () => {
  expect(provider.credential('s3cret')).toEqual({
    secret: 's3cret',
    headerName: 'authorization',
    headerValue: 'Bearer s3cret',
    headers: {},
    baseUrl: 'https://api.openai.com/v1',
  });
});

test('every token counts, also the cached ones and those of a call that failed', () => {
  const usage = { inputTokens: 1, outputTokens: 10, cacheReadInputTokens: 100, cacheCreationInputTokens: 1000 };
  expect(provider.counted(usage)).toEqual({ inputTokens: 1101, outputTokens: 10 });
  expect(provider.failedTokensCount).toBe(true);
});

test('everything is counted at the start', () => {
  expect(new Set(Object.values(provider.counting))).toEqual(new Set(['at_start']));
});
