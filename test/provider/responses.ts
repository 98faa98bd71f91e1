import type { Headers } from '../../src/pool/upstream.ts';

/** Headers written as they stand in a response, one a line. */
export function headersOf(lines: string): Headers {
  const pairs = lines
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/:\s*(.*)/s));
  return new Map(pairs.map(([name, value]) => [name!, value ?? '']));
}

/** When the responses below arrived, as far as they say. */
export const ARRIVED = {
  anthropic429: Date.UTC(2025, 5, 2, 15, 14, 45),
  anthropic200: Date.UTC(2025, 10, 23, 13, 21, 5),
  openai200: Date.UTC(2026, 5, 11, 20, 16, 0),
};

/** Recorded: input tokens are empty, and the sum's reset lies in the past already. */
export const ANTHROPIC_429 = headersOf(`
  x-should-retry: true
  anthropic-ratelimit-input-tokens-limit: 200000
  anthropic-ratelimit-input-tokens-remaining: 0
  anthropic-ratelimit-input-tokens-reset: 2025-06-02T15:15:48Z
  anthropic-ratelimit-output-tokens-limit: 80000
  anthropic-ratelimit-output-tokens-remaining: 80000
  anthropic-ratelimit-output-tokens-reset: 2025-06-02T15:14:45Z
  anthropic-ratelimit-requests-limit: 4000
  anthropic-ratelimit-requests-remaining: 4000
  anthropic-ratelimit-requests-reset: 2025-06-02T15:14:45Z
  retry-after: 16
  anthropic-ratelimit-tokens-limit: 280000
  anthropic-ratelimit-tokens-remaining: 80000
  anthropic-ratelimit-tokens-reset: 2025-06-02T15:14:45Z`);

/** Recorded: a success that carries retry-after, and no headers about requests. */
export const ANTHROPIC_200 = headersOf(`
  date: Sun, 23 Nov 2025 13:21:05 GMT
  anthropic-ratelimit-input-tokens-limit: 2000000
  anthropic-ratelimit-input-tokens-remaining: 2000000
  anthropic-ratelimit-input-tokens-reset: 2025-11-23T13:21:04Z
  anthropic-ratelimit-output-tokens-limit: 400000
  anthropic-ratelimit-output-tokens-remaining: 400000
  anthropic-ratelimit-output-tokens-reset: 2025-11-23T13:21:05Z
  anthropic-ratelimit-tokens-limit: 2400000
  anthropic-ratelimit-tokens-remaining: 2400000
  anthropic-ratelimit-tokens-reset: 2025-11-23T13:21:04Z
  retry-after: 59`);

/** Recorded: requests are counted over a day. */
export const OPENAI_200_DAILY = headersOf(`
  x-ratelimit-limit-requests: 200
  x-ratelimit-limit-tokens: 40000
  x-ratelimit-remaining-requests: 197
  x-ratelimit-remaining-tokens: 39974
  x-ratelimit-reset-requests: 20m52.666s
  x-ratelimit-reset-tokens: 39ms`);

/** Recorded: requests are counted over a minute. */
export const OPENAI_200 = headersOf(`
  date: Thu, 11 Jun 2026 20:16:00 GMT
  x-ratelimit-limit-requests: 5000
  x-ratelimit-limit-tokens: 2000000
  x-ratelimit-remaining-requests: 4999
  x-ratelimit-remaining-tokens: 1999235
  x-ratelimit-reset-requests: 12ms
  x-ratelimit-reset-tokens: 22ms`);

/** Recorded: a 429 that says nothing about limits. */
export const OPENAI_429_BARE = headersOf(`
  date: Mon, 21 Apr 2025 19:13:46 GMT
  openai-processing-ms: 5977
  openai-version: 2020-10-01
  server: cloudflare`);

/** Recorded: the older headers without a limit. */
export const REPLICATE_200 = headersOf(`
  ratelimit-remaining: 599
  ratelimit-reset: 1`);

/** Recorded: the policy names its algorithm before its name. */
export const HUGGING_FACE_200 = headersOf(`
  ratelimit: "api";r=999;t=295
  ratelimit-policy: "fixed window";"api";q=1000;w=300`);
