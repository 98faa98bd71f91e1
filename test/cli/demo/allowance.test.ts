import { describe, expect, test } from 'vitest';
import { type Allowance, admit, openAllowance, rateLimitHeaders, writeOutput } from '../../../src/cli/demo/allowance.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0, 400);
const LIMITS = { requests: 60, inputTokens: 60_000, outputTokens: 12_000 };
const full = openAllowance(LIMITS, 1, NOW);
const empty = openAllowance(LIMITS, 0, NOW);

function admitted(allowance: Allowance, inputTokens: number, now: number): Allowance {
  const admission = admit(allowance, inputTokens, now);
  if (!admission.admitted) throw new Error('was refused');
  return admission.allowance;
}

describe('admit', () => {
  test('takes one request and the input, and leaves the output', () => {
    const { requests, input, output } = admitted(full, 1_000, NOW);
    expect([requests.level, input.level, output.level]).toEqual([59, 59_000, 12_000]);
  });

  test.each([
    { rule: 'the input that is missing', allowance: { ...full, input: empty.input }, limited: 'input', retryAfterMs: 2_000 },
    { rule: 'a request that is missing', allowance: { ...full, requests: empty.requests }, limited: 'requests', retryAfterMs: 1_000 },
    { rule: 'output, of which one token must be left', allowance: { ...full, output: empty.output }, limited: 'output', retryAfterMs: 5 },
    { rule: 'the longest of several waits', allowance: empty, limited: 'input', retryAfterMs: 2_000 },
  ])('refuses for $rule', ({ allowance, limited, retryAfterMs }) => {
    expect(admit(allowance, 2_000, NOW)).toEqual({ admitted: false, limited, retryAfterMs });
  });

  test('lets in at the announced moment and not a millisecond before', () => {
    expect(admit(empty, 2_000, NOW + 1_999).admitted).toBe(false);
    expect(admit(empty, 2_000, NOW + 2_000).admitted).toBe(true);
  });
});

describe('rateLimitHeaders', () => {
  test('tells limits, what is left, and when it will be full, tokens to the nearest thousand', () => {
    const used = writeOutput(admitted(full, 1_600, NOW), 400, NOW);
    expect(rateLimitHeaders(used, NOW, NOW)).toEqual({
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '59',
      'anthropic-ratelimit-requests-reset': '2026-01-01T12:00:02Z',
      'anthropic-ratelimit-input-tokens-limit': '60000',
      'anthropic-ratelimit-input-tokens-remaining': '58000',
      'anthropic-ratelimit-input-tokens-reset': '2026-01-01T12:00:02Z',
      'anthropic-ratelimit-output-tokens-limit': '12000',
      'anthropic-ratelimit-output-tokens-remaining': '12000',
      'anthropic-ratelimit-output-tokens-reset': '2026-01-01T12:00:03Z',
      'anthropic-ratelimit-tokens-limit': '72000',
      'anthropic-ratelimit-tokens-remaining': '70000',
      'anthropic-ratelimit-tokens-reset': '2026-01-01T12:00:02Z',
    });
  });

  test('a full bucket was full when the request started', () => {
    expect(rateLimitHeaders(full, NOW - 3_000, NOW)['anthropic-ratelimit-requests-reset']).toBe('2026-01-01T11:59:57Z');
  });

  test('a debt reads as nothing left', () => {
    const indebted = writeOutput(empty, 500, NOW);
    expect(rateLimitHeaders(indebted, NOW, NOW)['anthropic-ratelimit-output-tokens-remaining']).toBe('0');
  });
});
