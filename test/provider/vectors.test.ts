import { describe, expect, test } from 'vitest';
import type { Headers } from '../../src/pool/upstream.ts';
import { providerByName } from '../../src/provider/index.ts';
import { judge } from '../../src/provider/judge.ts';
import * as known from './responses.ts';
import { headersOf } from './responses.ts';
import * as recorded from './vectors.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const CONTINUOUS = { windowNamed: false, refill: 'continuous' };
const FIXED = { windowNamed: false, refill: 'fixed' };
const DERIVED = { windowMs: null, windowNamed: false, refill: 'continuous' };
const OK = { verdict: 'ok', scope: 'request', waitMs: null };
const LIMITED = { verdict: 'rate_limited', scope: 'limit_group' };

describe('what is learnt from the headers of a real response', () => {
  test.each<readonly [string, string, Headers, readonly object[]]>([
    [
      'T9, openai: requests of a day',
      'openai',
      known.OPENAI_200_DAILY,
      [numbers('requests', 200, 197, 1_252_666, DERIVED), numbers('tokens', 40_000, 39_974, 39, DERIVED)],
    ],
    [
      'T10, openai: requests of a minute',
      'openai',
      known.OPENAI_200,
      [numbers('requests', 5000, 4999, 12, DERIVED), numbers('tokens', 2_000_000, 1_999_235, 22, DERIVED)],
    ],
    ['T11, openai: nothing', 'openai', known.OPENAI_429_BARE, []],
    [
      'T12, groq: requests of a day, tokens of a minute',
      'groq',
      recorded.GROQ_200,
      [
        numbers('requests', 14_400, 14_397, 17_400, { ...CONTINUOUS, windowMs: 86_400_000 }),
        numbers('tokens', 30_000, 29_987, 26, { ...CONTINUOUS, windowMs: 60_000 }),
      ],
    ],
    [
      'T13, mistral: the suffix names the window',
      'mistral',
      recorded.MISTRAL_200,
      [
        numbers('requests', 100, 97, null, { ...FIXED, windowMs: 60_000, windowNamed: true }),
        numbers('tokens', 100_000, 98_188, null, { ...FIXED, windowMs: 60_000, windowNamed: true }),
      ],
    ],
    [
      'T14, xai: no reset',
      'xai',
      recorded.XAI_200,
      [
        numbers('requests', 1800, 1800, null, { ...FIXED, windowMs: 60_000 }),
        numbers('tokens', 10_000_000, 10_000_000, null, { ...FIXED, windowMs: 60_000 }),
      ],
    ],
    [
      'T15, azure: resets in milliseconds',
      'azure_openai',
      recorded.AZURE_200,
      [
        numbers('requests', 120, 119, 500, { ...CONTINUOUS, windowMs: 60_000, windowNamed: true }),
        numbers('tokens', 120_000, 119_986, 7, { ...CONTINUOUS, windowMs: 60_000, windowNamed: true }),
      ],
    ],
    ['T19, azure: -1 is unknown', 'azure_openai', recorded.AZURE_UNKNOWN, []],
    [
      'T24, replicate: remaining without a limit',
      'generic',
      known.REPLICATE_200,
      [numbers('requests', null, 599, 1000, { ...FIXED, windowMs: null })],
    ],
    [
      'T25, hugging face: the policy names its algorithm first',
      'generic',
      known.HUGGING_FACE_200,
      [numbers('requests', 1000, 999, 295_000, { ...FIXED, windowMs: 300_000, windowNamed: true })],
    ],
    [
      'T27, cerebras: a day and a minute at once',
      'cerebras',
      recorded.CEREBRAS_200,
      [
        numbers('requests', 14_400, 13_693, 11_726_285, { ...FIXED, windowMs: 86_400_000, windowNamed: true }),
        numbers('tokens', 60_000, 60_000, 26_285, { ...FIXED, windowMs: 60_000, windowNamed: true }),
      ],
    ],
  ])('%s', (_, name, headers, observations) => {
    const reading = providerByName(name)!.readHeaders(headers, NOW);
    expect(reading).toEqual({ observations, retryAfterMs: null, account: null, ignored: [] });
  });
});

describe('what is judged of a real response', () => {
  test.each<readonly [string, string, number, Headers, string, object]>([
    ['T1, anthropic: 16 seconds, not 63', 'anthropic', 429, known.ANTHROPIC_429, '', { ...LIMITED, waitMs: 16_000 }],
    ['T4, anthropic: a success with retry-after', 'anthropic', 200, known.ANTHROPIC_200, '', OK],
    ['T5, anthropic: a warning is no rejection, nor is that of overage', 'anthropic', 200, recorded.SUBSCRIPTION_WARNING, '', OK],
    ['T6, anthropic: room in every window', 'anthropic', 200, recorded.SUBSCRIPTION_200, '', OK],
    [
      'T7, anthropic: the window of some models',
      'anthropic',
      429,
      recorded.SUBSCRIPTION_MODEL_429,
      '',
      { verdict: 'rate_limited', scope: 'key_model', waitMs: null },
    ],
    [
      'T8, anthropic: out of credits',
      'anthropic',
      429,
      recorded.SUBSCRIPTION_CREDITS_429,
      '',
      { verdict: 'billing', scope: 'limit_group', waitMs: null },
    ],
    ['T11, openai: a 429 that says nothing', 'openai', 429, known.OPENAI_429_BARE, '', { ...LIMITED, waitMs: null }],
    [
      'T17, azure: retry-after of 1 s and 0 ms',
      'azure_openai',
      429,
      recorded.AZURE_429,
      recorded.AZURE_429_BODY,
      { ...LIMITED, waitMs: 1000 },
    ],
    ['T18, azure: the old spelling', 'azure_openai', 429, recorded.AZURE_OLD_429, '', { ...LIMITED, waitMs: 55_000 }],
    ['T20, gemini: the delay and one second', 'gemini', 429, new Map(), recorded.GEMINI_429_BODY, { ...LIMITED, waitMs: 49_000 }],
    [
      'T21, gemini: a bad key',
      'gemini',
      400,
      new Map(),
      recorded.GEMINI_BAD_KEY,
      { verdict: 'invalid_credential', scope: 'key', waitMs: null },
    ],
    ['T22, xai: a bad key', 'xai', 400, new Map(), recorded.XAI_BAD_KEY, { verdict: 'invalid_credential', scope: 'key', waitMs: null }],
    [
      'T28, bedrock: a bad key',
      'bedrock',
      403,
      recorded.BEDROCK_BAD_KEY,
      '{"message":"The security token included in the request is invalid."}',
      { verdict: 'invalid_credential', scope: 'key', waitMs: null },
    ],
    [
      'T29, deepseek: a bad key with a misleading code',
      'deepseek',
      401,
      new Map(),
      recorded.DEEPSEEK_BAD_KEY,
      { verdict: 'invalid_credential', scope: 'key', waitMs: null },
    ],
  ])('%s', (_, name, status, headers, body, judgement) => {
    const provider = providerByName(name)!;
    const { retryAfterMs, ignored } = provider.readHeaders(headers, NOW);
    expect(judge(provider, { status, body, headers, responseTime: NOW, retryAfterMs })).toEqual(judgement);
    expect(ignored).toEqual([]);
  });

  test('subscriptions tell no limits that could be counted', () => {
    const { observations } = providerByName('anthropic')!.readHeaders(recorded.SUBSCRIPTION_WARNING, NOW);
    expect(observations).toEqual([]);
  });

  test('T17, azure, without the milliseconds waits as long', () => {
    const { retryAfterMs } = providerByName('azure_openai')!.readHeaders(headersOf('retry-after: 1'), NOW);
    expect(retryAfterMs).toBe(1000);
  });
});

function numbers(dimension: string, limit: number | null, remaining: number, resetInMs: number | null, traits: object) {
  return { dimension, limit, remaining, resetInMs, ...traits };
}
