import { describe, expect, test } from 'vitest';
import { providerByName } from '../../src/provider/index.ts';
import { headersOf } from './responses.ts';

/** A Thursday afternoon: 12 days until the month ends. */
const NOW = Date.UTC(2026, 7, 20, 12, 20, 40);
const DAY_MS = 86_400_000;
const UNNAMED = { windowNamed: false, refill: 'fixed' };
const NAMED = { windowNamed: true, refill: 'fixed' };

describe('mistral', () => {
  test.each([
    ['-req-10-second', 'requests', 10_000, null],
    ['-req-minute', 'requests', 60_000, null],
    ['-tokens-minute', 'tokens', 60_000, null],
    ['-tokens-month', 'tokens', 30 * DAY_MS, Date.UTC(2026, 8, 1) - NOW],
  ])('%s is about %s over %d ms', (suffix, dimension, windowMs, resetInMs) => {
    const headers = headersOf(`x-ratelimit-limit${suffix}: 60\nx-ratelimit-remaining${suffix}: 59`);
    expect(observed('mistral', headers)).toEqual([{ dimension, limit: 60, remaining: 59, resetInMs, windowMs, ...NAMED }]);
  });

  test('several windows of one dimension stand side by side', () => {
    const lines = ['-req-10-second', '-req-minute', '-tokens-minute', '-tokens-month'].map((suffix) => `x-ratelimit-remaining${suffix}: 5`);
    expect(observed('mistral', headersOf(lines.join('\n'))).map(({ windowMs }) => windowMs)).toEqual([10_000, 60_000, 60_000, 30 * DAY_MS]);
  });

  test('the older headers tell the reset as well', () => {
    const headers = headersOf('x-ratelimitbysize-limit-minute: 500\nx-ratelimitbysize-remaining-minute: 400\nratelimitbysize-reset: 28');
    expect(observed('mistral', headers)).toEqual([
      { dimension: 'tokens', limit: 500, remaining: 400, resetInMs: 28_000, windowMs: 60_000, ...NAMED },
    ]);
  });

  test.each(['-audio-seconds-minute', '-ocr-pages-minute', '-input-characters-minute'])('%s is not limited here', (suffix) => {
    expect(observed('mistral', headersOf(`x-ratelimit-limit${suffix}: 60\nx-ratelimit-remaining${suffix}: 59`))).toEqual([]);
  });
});

describe('together', () => {
  test('counts by the second', () => {
    const headers = headersOf(`
      x-ratelimit-limit: 1
      x-ratelimit-remaining: 0
      x-ratelimit-reset: 1
      x-tokenlimit-limit: 3000
      x-tokenlimit-remaining: 2900`);
    expect(observed('together', headers)).toEqual([
      { dimension: 'requests', limit: 1, remaining: 0, resetInMs: 1000, windowMs: 1000, ...UNNAMED },
      { dimension: 'tokens', limit: 3000, remaining: 2900, resetInMs: null, windowMs: 1000, ...UNNAMED },
    ]);
  });

  test.each([
    ['takes the place of the base one', 'x-ratelimit-remaining: 0\nx-ratelimit-remaining-dynamic: 9', ['requests 9']],
    ['of requests leaves that of tokens', 'x-tokenlimit-remaining: 4\nx-ratelimit-remaining-dynamic: 9', ['tokens 4', 'requests 9']],
    ['of tokens takes the place of the base one', 'x-tokenlimit-remaining: 4\nx-tokenlimit-remaining-dynamic: 8', ['tokens 8']],
  ])('a dynamic limit %s', (_, lines, told) => {
    expect(observed('together', headersOf(lines)).map(({ dimension, remaining }) => `${dimension} ${remaining}`)).toEqual(told);
  });
});

describe('fireworks', () => {
  const LIMITS = 'x-ratelimit-limit-tokens-prompt: 6000\nx-ratelimit-limit-tokens-generated: 600';

  test.each([
    ['as they are', LIMITS, [null, null]],
    ['with what remains', `${LIMITS}\nx-ratelimit-remaining-tokens-prompt: 5`, [5, null]],
    ['empty, when a response was served over them', `${LIMITS}\nx-ratelimit-over-limit: yes`, [0, 0]],
    ['as they are, when it was not', `${LIMITS}\nx-ratelimit-over-limit: no`, [null, null]],
  ])('tells its limits %s', (_, lines, remaining) => {
    const rest = { resetInMs: null, windowMs: 60_000, windowNamed: false, refill: 'continuous' };
    expect(observed('fireworks', headersOf(lines))).toEqual([
      { dimension: 'input_tokens', limit: 6000, remaining: remaining[0], ...rest },
      { dimension: 'output_tokens', limit: 600, remaining: remaining[1], ...rest },
    ]);
  });

  test('the tighter of both limits of input counts', () => {
    const headers = headersOf('x-ratelimit-remaining-tokens-prompt: 50\nx-ratelimit-remaining-tokens-cache-adjusted-prompt: 40');
    expect(observed('fireworks', headers)).toMatchObject([{ dimension: 'input_tokens', remaining: 40 }]);
  });

  test('an answer that is neither yes nor no is ignored', () => {
    const { ignored } = providerByName('fireworks')!.readHeaders(headersOf('x-ratelimit-over-limit: perhaps'), NOW);
    expect(ignored).toEqual([{ name: 'x-ratelimit-over-limit', reason: 'neither yes nor no' }]);
  });
});

describe('cerebras', () => {
  test.each([
    ['-requests-minute', 'requests', 60_000, 20_000],
    ['-requests-hour', 'requests', 3_600_000, 39 * 60_000 + 20_000],
    ['-requests-day', 'requests', DAY_MS, Date.UTC(2026, 7, 21) - NOW],
    ['-tokens-minute', 'tokens', 60_000, 20_000],
    ['-tokens-hour', 'tokens', 3_600_000, 39 * 60_000 + 20_000],
    ['-tokens-day', 'tokens', DAY_MS, Date.UTC(2026, 7, 21) - NOW],
  ])('%s without a reset ends with the %s window of UTC', (suffix, dimension, windowMs, resetInMs) => {
    const headers = headersOf(`x-ratelimit-limit${suffix}: 60\nx-ratelimit-remaining${suffix}: 59`);
    expect(observed('cerebras', headers)).toEqual([{ dimension, limit: 60, remaining: 59, resetInMs, windowMs, ...NAMED }]);
  });

  test('a reset that is told counts, and the date is the clock where it is not', () => {
    const told = headersOf('x-ratelimit-remaining-tokens-minute: 5\nx-ratelimit-reset-tokens-minute: 0.5');
    const untold = headersOf('x-ratelimit-remaining-tokens-minute: 5\ndate: Thu, 20 Aug 2026 12:20:59 GMT');
    expect([told, untold].map((headers) => observed('cerebras', headers)[0]?.resetInMs)).toEqual([500, 1000]);
  });
});

test('cohere tells trial keys the calls of a minute', () => {
  const headers = headersOf('x-trial-endpoint-call-limit: 20\nx-trial-endpoint-call-remaining: 19\nx-endpoint-monthly-call-limit: 1000');
  expect(observed('cohere', headers)).toEqual([
    { dimension: 'requests', limit: 20, remaining: 19, resetInMs: null, windowMs: 60_000, ...UNNAMED },
  ]);
});

test('openrouter tells epoch milliseconds', () => {
  const headers = headersOf(`x-ratelimit-limit: 20\nx-ratelimit-remaining: 0\nx-ratelimit-reset: ${NOW + 4000}`);
  expect(observed('openrouter', headers)).toEqual([
    { dimension: 'requests', limit: 20, remaining: 0, resetInMs: 4000, windowMs: null, ...UNNAMED },
  ]);
});

test.each(['gemini', 'vertex', 'deepseek', 'perplexity', 'bedrock'])('%s tells nothing in headers but a wait', (name) => {
  const headers = headersOf('x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 0\nretry-after: 5');
  expect(providerByName(name)!.readHeaders(headers, NOW)).toEqual({ observations: [], retryAfterMs: 5000, account: null, ignored: [] });
});

function observed(name: string, headers: ReadonlyMap<string, string>) {
  const { observations, ignored } = providerByName(name)!.readHeaders(headers, NOW);
  expect(ignored).toEqual([]);
  return observations;
}
