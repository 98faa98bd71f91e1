import { describe, expect, test } from 'vitest';
import { judge } from '../../src/provider/judge.ts';
import { modelClassOf } from '../../src/provider/model-class.ts';
import { provider } from '../../src/provider/openrouter.ts';

/** A Thursday. */
const NOW = Date.UTC(2026, 7, 20, 6);
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const RESET = String(NOW + 9 * HOUR_MS);

describe('headers inside the body', () => {
  test.each([
    ['of a day', 'Rate limit exceeded: free-models-per-day-high-balance.', 24 * HOUR_MS],
    ['of a minute', 'Rate limit exceeded: free-models-per-min.', MINUTE_MS],
    ['of an unnamed window', 'Rate limit exceeded', null],
  ])('%s are a limit that ends at their epoch milliseconds', (_, message, windowMs) => {
    const body = limited(message, { 'X-RateLimit-Limit': '50', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': RESET });
    expect(provider.readBody!(body, NOW)).toEqual({
      observations: [
        {
          dimension: 'requests',
          limit: 50,
          remaining: 0,
          resetInMs: 9 * HOUR_MS,
          windowMs,
          windowNamed: windowMs !== null,
          refill: 'fixed',
        },
      ],
      waitMs: 9 * HOUR_MS,
    });
    expect(judged(429, body)).toEqual({ verdict: 'rate_limited', scope: 'limit_group', waitMs: 9 * HOUR_MS });
  });

  test.each([
    ['may be numbers', { 'X-RateLimit-Remaining': 0, 'X-RateLimit-Reset': NOW + 5000 }, 5000],
    ['may ask to wait', { 'Retry-After': '7', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': RESET }, 7000],
    ['ask for nothing while something remains', { 'X-RateLimit-Remaining': '1', 'X-RateLimit-Reset': RESET }, null],
    ['may be no headers', ['X-RateLimit-Remaining'], null],
    ['may hold no text', { 'X-RateLimit-Remaining': { a: 1 }, 'X-RateLimit-Reset': null }, null],
  ])('%s', (_, headers, waitMs) => {
    expect(provider.readBody!(limited('x', headers), NOW).waitMs).toBe(waitMs);
  });

  test('beyond sixty-four are not read', () => {
    const others = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`h${i}`, '1']));
    expect(provider.readBody!(limited('x', { ...others, 'X-RateLimit-Remaining': '0' }), NOW).observations).toEqual([]);
  });

  test.each(['', '{', 'null', '[]', '{"error":null}', '{"error":{"metadata":{"headers":7}}}'])('%j has none', (body) => {
    expect(provider.readBody!(body, NOW)).toEqual({ observations: [], waitMs: null });
  });
});

describe("a key's own budget", () => {
  test.each([
    ['daily', Date.UTC(2026, 7, 21)],
    ['weekly', Date.UTC(2026, 7, 24)],
    ['monthly', Date.UTC(2026, 8, 1)],
  ])('that is %s starts anew by UTC', (limitReset, end) => {
    const body = JSON.stringify({ error: { metadata: { limit_source: 'openrouter_key_limit', limit_reset: limitReset } } });
    expect(judged(402, body)).toEqual({ verdict: 'billing', scope: 'key', waitMs: end - NOW });
  });

  test.each([
    ['Sunday', Date.UTC(2026, 7, 23, 23, 59), Date.UTC(2026, 7, 24)],
    ['Monday', Date.UTC(2026, 7, 24), Date.UTC(2026, 7, 31)],
  ])('of a week ends on the next Monday, seen from %s', (_, now, end) => {
    expect(provider.readBody!('{"error":{"metadata":{"limit_reset":"weekly"}}}', now).waitMs).toBe(end - now);
  });

  test.each([null, 'never', 'constructor', 7])('that starts anew %j has no end', (limitReset) => {
    const body = JSON.stringify({ error: { metadata: { limit_source: 'openrouter_key_limit', limit_reset: limitReset } } });
    expect(judged(402, body).waitMs).toBeNull();
  });
});

test.each([
  ['deepseek/deepseek-r1:free', 'free'],
  ['google/gemma-3-27b-it:free', 'free'],
  ['openai/gpt-5', 'openai/gpt-5'],
])('%s draws on the allowance of %s', (model, id) => {
  expect(modelClassOf(provider.modelClasses, model)).toBe(id);
});

function limited(message: string, headers: unknown): string {
  return JSON.stringify({ error: { code: 429, message, metadata: { headers } } });
}

function judged(status: number, body: string) {
  return judge(provider, { status, body, headers: new Map(), responseTime: NOW, retryAfterMs: null });
}
