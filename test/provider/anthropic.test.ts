import { expect, test } from 'vitest';
import { provider } from '../../src/provider/anthropic.ts';
import { modelClassOf } from '../../src/provider/model-class.ts';
import { ANTHROPIC_200, ANTHROPIC_429, ARRIVED, headersOf } from './responses.ts';

const COMMON = { windowMs: 60_000, windowNamed: false, refill: 'continuous' };

test('a 429 with empty input tokens tells each limit apart and asks to wait 16 seconds, not the 63 of the full reset', () => {
  expect(provider.readHeaders(ANTHROPIC_429, ARRIVED.anthropic429)).toEqual({
    observations: [
      { dimension: 'requests', limit: 4000, remaining: 4000, resetInMs: 0, ...COMMON },
      { dimension: 'input_tokens', limit: 200_000, remaining: 0, resetInMs: 63_000, ...COMMON },
      { dimension: 'output_tokens', limit: 80_000, remaining: 80_000, resetInMs: 0, ...COMMON },
    ],
    retryAfterMs: 16_000,
    account: null,
    ignored: [],
  });
});

test('a reset before the date of the response is now, whatever the clock of the caller says', () => {
  expect(provider.readHeaders(ANTHROPIC_200, ARRIVED.anthropic200 - 3_600_000)).toEqual({
    observations: [
      { dimension: 'input_tokens', limit: 2_000_000, remaining: 2_000_000, resetInMs: 0, ...COMMON },
      { dimension: 'output_tokens', limit: 400_000, remaining: 400_000, resetInMs: 0, ...COMMON },
    ],
    retryAfterMs: 59_000,
    account: null,
    ignored: [],
  });
});

test('the sum of tokens is read where neither input nor output is told', () => {
  const headers = headersOf(`
    anthropic-ratelimit-tokens-limit: 280000
    anthropic-ratelimit-tokens-remaining: 80000
    anthropic-ratelimit-tokens-reset: 2025-06-02T15:14:50Z`);
  expect(provider.readHeaders(headers, ARRIVED.anthropic429).observations).toEqual([
    { dimension: 'tokens', limit: 280_000, remaining: 80_000, resetInMs: 5000, ...COMMON },
  ]);
});

test.each([['anthropic-ratelimit-input-tokens-remaining'], ['anthropic-ratelimit-output-tokens-limit']])(
  'the sum of tokens is not read beside %s',
  (name) => {
    const headers = new Map([...headersOf('anthropic-ratelimit-tokens-remaining: 5'), [name, '7']]);
    const { observations } = provider.readHeaders(headers, ARRIVED.anthropic429);
    expect(observations.map(({ dimension }) => dimension)).not.toContain('tokens');
    expect(observations).toHaveLength(1);
  },
);

test('the organization is the account', () => {
  expect(provider.readHeaders(headersOf('anthropic-organization-id: 1f2e-3d'), 0).account).toBe('1f2e-3d');
});

test.each([
  ['claude-opus-4-20250514', 'claude-opus-4'],
  ['claude-opus-4-1-20250805', 'claude-opus-4'],
  ['claude-opus-4-8', 'claude-opus-4'],
  ['Claude-Opus-4-5', 'claude-opus-4'],
  ['claude-opus-5', 'claude-opus-5'],
  ['claude-opus-5-20260901', 'claude-opus-5'],
  ['claude-opus-5-5', 'claude-opus-5-5'],
  ['claude-opus-5-5-20261001', 'claude-opus-5-5'],
  ['claude-sonnet-4-6', 'claude-sonnet-4'],
  ['claude-sonnet-4-20250514', 'claude-sonnet-4'],
  ['claude-sonnet-5', 'claude-sonnet-5'],
  ['claude-haiku-4-5-20251001', 'claude-haiku-4-5'],
  ['claude-fable-5-1', 'claude-fable-5'],
  ['claude-mythos-5', 'claude-mythos-5'],
  ['claude-3-7-sonnet-20250219', 'claude-3-7-sonnet'],
  ['claude-3-5-sonnet-latest', 'claude-3-5-sonnet'],
  ['claude-3-5-haiku-20241022', 'claude-3-5-haiku'],
  ['claude-3-opus-20240229', 'claude-3-opus'],
  ['claude-3-haiku-20240307', 'claude-3-haiku'],
  ['claude-haiku-6', 'claude-haiku-6'],
])('%s draws on the allowance of %s', (model, id) => {
  expect(modelClassOf(provider.modelClasses, model)).toBe(id);
});

test('the secret goes into x-api-key beside the version of the API', () => {
  expect(provider.credential('s3cret')).toEqual({
    secret: 's3cret',
    headerName: 'x-api-key',
    headerValue: 's3cret',
    headers: { 'anthropic-version': '2023-06-01' },
    baseUrl: 'https://api.anthropic.com',
  });
});

test('tokens read from a cache do not count, tokens written to one do', () => {
  const usage = { inputTokens: 1, outputTokens: 10, cacheReadInputTokens: 100, cacheCreationInputTokens: 1000 };
  expect(provider.counted(usage)).toEqual({ inputTokens: 1001, outputTokens: 10 });
});

test('output is counted as it goes, everything else that has its own limit at the start', () => {
  expect(provider.counting).toEqual({ requests: 'at_start', input_tokens: 'at_start', output_tokens: 'as_it_goes', tokens: 'as_it_goes' });
});
