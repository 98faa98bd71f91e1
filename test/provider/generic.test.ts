import { describe, expect, test } from 'vitest';
import { provider } from '../../src/provider/generic.ts';
import { HUGGING_FACE_200, headersOf, REPLICATE_200 } from './responses.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const UNNAMED = { windowMs: null, windowNamed: false, refill: 'fixed' };

describe('the ratelimit family', () => {
  test.each([
    [
      'limit and window come from the policy of the same name',
      headersOf('ratelimit: "b";r=7;t=30\nratelimit-policy: "a";q=100;w=1, "b";q=50;w=60'),
      [window('requests', 50, 7, 30_000, 60_000), window('requests', 100, null, null, 1000)],
    ],
    [
      'the name counts before the limit',
      headersOf('ratelimit: "b";q=100;r=7;t=30\nratelimit-policy: "a";q=100;w=1, "b";q=50;w=60'),
      [window('requests', 100, 7, 30_000, 60_000), window('requests', 100, null, null, 1000)],
    ],
    [
      'of several policies that are about something else none is meant',
      headersOf('ratelimit: "c";r=7;t=30\nratelimit-policy: "a";q=100;w=1, "b";q=50;w=60'),
      [
        { ...UNNAMED, ...numbers('requests', null, 7, 30_000) },
        window('requests', 100, null, null, 1000),
        window('requests', 50, null, null, 60_000),
      ],
    ],
    [
      'a name after the algorithm is the name',
      headersOf('ratelimit: "b";r=7;t=30\nratelimit-policy: "fixed window";"a";q=100;w=1, "fixed window";"b";q=50;w=60'),
      [window('requests', 50, 7, 30_000, 60_000), window('requests', 100, null, null, 1000)],
    ],
    ['a policy may name its algorithm first', HUGGING_FACE_200, [window('requests', 1000, 999, 295_000, 300_000)]],
    [
      'several windows are several observations',
      headersOf('ratelimit: burst;r=3;t=1, daily;r=80;t=4000\nratelimit-policy: burst;l=5;w=1, daily;l=100;w=86400'),
      [window('requests', 5, 3, 1000, 1000), window('requests', 100, 80, 4_000_000, 86_400_000)],
    ],
    [
      'the only policy is the one that is meant',
      headersOf('ratelimit: default;r=50;t=30\nratelimit-policy: 100;w=60'),
      [window('requests', 100, 50, 30_000, 60_000)],
    ],
    ['a policy may stand alone', headersOf('ratelimit-policy: "p";q=10;w=60;pk=:ZGVtbw==:'), [window('requests', 10, null, null, 60_000)]],
    [
      'a quota without a policy names no window',
      headersOf('ratelimit: default;r=50;t=30'),
      [{ ...UNNAMED, ...numbers('requests', null, 50, 30_000) }],
    ],
    ['a quoted number is a name', headersOf('ratelimit: "9";r=5;t=3'), [{ ...UNNAMED, ...numbers('requests', null, 5, 3000) }]],
    [
      'the unit may be tokens',
      headersOf('ratelimit: t;r=5;t=3\nratelimit-policy: t;q=9;w=60;qu="tokens", i;q=8;w=60;qu=input-tokens, o;q=7;w=60;qu=output-tokens'),
      [window('tokens', 9, 5, 3000, 60_000), window('input_tokens', 8, null, null, 60_000), window('output_tokens', 7, null, null, 60_000)],
    ],
    [
      'a unit that is not limited here is passed over',
      headersOf('ratelimit: b;r=5;t=3\nratelimit-policy: b;q=9;w=60;qu="content-bytes"'),
      [],
    ],
    ['a negative number is unknown', headersOf('ratelimit: b;r=-1;t=3\nratelimit-policy: b;q=-1;w=60'), []],
  ])('%s', (_, headers, observations) => {
    expect(provider.readHeaders(headers, NOW)).toEqual({ observations, retryAfterMs: null, account: null, ignored: [] });
  });

  test.each([
    ['not a list', 'ratelimit: "open;r=5'],
    ['a separator at the end', 'ratelimit: a;r=5;'],
    ['a dictionary', 'ratelimit: limit=100, remaining=50, reset=30'],
    ['a value in the place of a name', 'ratelimit: limit=100;r=5'],
    ['no numbers', 'ratelimit: default'],
    ['a remaining that is no number', 'ratelimit: default;r=many;t=30'],
    ['an infinite remaining', 'ratelimit: default;r=Infinity'],
    ['an exponent', 'ratelimit: default;r=1e309'],
    ['a window of no length', 'ratelimit-policy: default;q=5;w=0'],
    ['a window of more than 35 days', 'ratelimit-policy: default;q=5;w=3024001'],
    ['a reset of more than 35 days', 'ratelimit: default;r=5;t=3024001'],
    ['a control character', 'ratelimit: default;r=5\0'],
    ['letters beyond ASCII', 'ratelimit: défaut;r=5'],
    ['nine quotas', `ratelimit: ${Array.from({ length: 9 }, (_, i) => `q${i};r=1`).join()}`],
    ['a limit that is no number', 'ratelimit-limit: abc'],
  ])('a field with %s is ignored', (_, line) => {
    const name = line.slice(0, line.indexOf(':'));
    const reading = provider.readHeaders(new Map([[name, line.slice(name.length + 2)]]), NOW);
    expect(reading).toMatchObject({ observations: [], ignored: [{ name, reason: 'not a list of well-formed quotas' }] });
  });

  test('eight quotas are read', () => {
    const policy = Array.from({ length: 8 }, (_, i) => `q${i};q=10;w=${i + 1}`).join();
    expect(provider.readHeaders(new Map([['ratelimit-policy', policy]]), NOW).observations).toHaveLength(8);
  });
});

describe('the older ratelimit headers', () => {
  test.each([
    ['need no limit', REPLICATE_200, [{ ...UNNAMED, ...numbers('requests', null, 599, 1000) }]],
    [
      'take the window from the list of limits',
      headersOf('ratelimit-limit: 100, 100;w=10\nratelimit-remaining: 60\nratelimit-reset: 4'),
      [window('requests', 100, 60, 4000, 10_000)],
    ],
    [
      'take the window of the same limit, and the others are observed beside it',
      headersOf('ratelimit-limit: 10, 10;w=1, 50;w=60\nratelimit-remaining: 9\nratelimit-reset: 1'),
      [window('requests', 10, 9, 1000, 1000), window('requests', 50, null, null, 60_000)],
    ],
    [
      'take the window from the policy',
      headersOf('ratelimit-limit: 5\nratelimit-policy: 5;w=10\nratelimit-remaining: 4\nratelimit-reset: 9'),
      [window('requests', 5, 4, 9000, 10_000)],
    ],
    [
      'may tell the reset as an epoch',
      headersOf(`ratelimit-limit: 5\nratelimit-remaining: 4\nratelimit-reset: ${NOW / 1000 + 20}`),
      [{ ...UNNAMED, ...numbers('requests', 5, 4, 20_000) }],
    ],
    ['may say that they do not know', headersOf('ratelimit-limit: -1\nratelimit-remaining: -1\nratelimit-reset: 0'), []],
  ])('%s', (_, headers, observations) => {
    expect(provider.readHeaders(headers, NOW)).toEqual({ observations, retryAfterMs: null, account: null, ignored: [] });
  });
});

describe('the x-ratelimit family', () => {
  test.each([
    ['seconds from now', '30', 30_000],
    ['epoch seconds', String(NOW / 1000 + 30), 30_000],
    ['epoch milliseconds', String(NOW + 30_000), 30_000],
  ])('may tell the reset of requests in %s', (_, reset, resetInMs) => {
    const headers = new Map([
      ['x-ratelimit-limit', '60'],
      ['x-ratelimit-remaining', '59'],
      ['x-ratelimit-reset', reset],
    ]);
    expect(provider.readHeaders(headers, NOW).observations).toEqual([{ ...UNNAMED, ...numbers('requests', 60, 59, resetInMs) }]);
  });

  test.each([
    ['-requests', 'requests', null],
    ['-tokens', 'tokens', null],
    ['-input-tokens', 'input_tokens', null],
    ['-output-tokens', 'output_tokens', null],
    ['-second', 'requests', 1000],
    ['-requests-second', 'requests', 1000],
    ['-requests-10-second', 'requests', 10_000],
    ['-tokens-minute', 'tokens', 60_000],
    ['-input-tokens-hour', 'input_tokens', 3_600_000],
    ['-requests-day', 'requests', 86_400_000],
  ])('with %s is about %s over %s ms', (suffix, dimension, windowMs) => {
    const headers = new Map([
      [`x-ratelimit-limit${suffix}`, '60'],
      [`x-ratelimit-remaining${suffix}`, '59'],
      [`x-ratelimit-reset${suffix}`, '7.5'],
    ]);
    expect(provider.readHeaders(headers, NOW).observations).toEqual([
      { ...numbers(dimension, 60, 59, 7500), windowMs, windowNamed: windowMs !== null, refill: 'fixed' },
    ]);
  });

  test('with a reset as Go writes durations comes back continuously', () => {
    const headers = headersOf('x-ratelimit-limit-tokens: 60\nx-ratelimit-remaining-tokens: 59\nx-ratelimit-reset-tokens: 1m6s');
    expect(provider.readHeaders(headers, NOW).observations).toEqual([
      { ...UNNAMED, ...numbers('tokens', 60, 59, 66_000), refill: 'continuous' },
    ]);
  });
});

test('the secret is a bearer token for an address that the caller knows', () => {
  expect(provider.credential('s3cret')).toEqual({
    secret: 's3cret',
    headerName: 'authorization',
    headerValue: 'Bearer s3cret',
    headers: {},
    baseUrl: '',
  });
});

test('every token counts, since it is not known which do not', () => {
  const usage = { inputTokens: 1, outputTokens: 10, cacheReadInputTokens: 100, cacheCreationInputTokens: 1000 };
  expect(provider.counted(usage)).toEqual({ inputTokens: 1101, outputTokens: 10 });
});

function numbers(dimension: string, limit: number | null, remaining: number | null, resetInMs: number | null) {
  return { dimension, limit, remaining, resetInMs };
}

function window(dimension: string, limit: number, remaining: number | null, resetInMs: number | null, windowMs: number) {
  return { ...numbers(dimension, limit, remaining, resetInMs), windowMs, windowNamed: true, refill: 'fixed' };
}
