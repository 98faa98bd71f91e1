import { describe, expect, test } from 'vitest';
import { provider } from '../../src/provider/anthropic.ts';
import { judge } from '../../src/provider/judge.ts';
import { modelClassOf } from '../../src/provider/model-class.ts';
import { headersOf } from './responses.ts';
import { SUBSCRIPTION_CREDITS_429, SUBSCRIPTION_WARNING } from './vectors.ts';

const SECONDS = 1_785_600_000;
const NOW = SECONDS * 1000;
const KEY = { verdict: 'rate_limited', scope: 'key' };
const MODEL = { verdict: 'rate_limited', scope: 'key_model' };
const GROUP = { verdict: 'rate_limited', scope: 'limit_group' };

describe('a rejection', () => {
  test.each([
    ['of five hours ends with them, for every model', '5h-status: rejected\n5h-reset: +600', { ...KEY, waitMs: 600_000 }],
    ['of seven days ends with them', '7d-status: rejected\n7d-reset: +900', { ...KEY, waitMs: 900_000 }],
    [
      'of several windows ends with the latest',
      '5h-status: rejected\n5h-reset: +600\n7d-status: rejected\n7d-reset: +900',
      { ...KEY, waitMs: 900_000 },
    ],
    [
      'does not wait for a window that has room',
      '5h-status: rejected\n5h-reset: +600\n7d-status: allowed\n7d-reset: +900',
      { ...KEY, waitMs: 600_000 },
    ],
    [
      'of a model ends with its window',
      'status: rejected\nreset: +50\n5h-status: allowed\n7d_oi-status: rejected\n7d_oi-reset: +700',
      { ...MODEL, waitMs: 700_000 },
    ],
    [
      'of the account counts before that of a model',
      '5h-status: rejected\n5h-reset: +600\n7d_oi-status: rejected\n7d_oi-reset: +700',
      { ...KEY, waitMs: 600_000 },
    ],
    ['without a reset of its window ends with the overall one', '5h-status: rejected\nreset: +30', { ...KEY, waitMs: 30_000 }],
    ["of no window is the account's", 'status: rejected\nreset: +30', { ...KEY, waitMs: 30_000 }],
    [
      'by a claim of some models is theirs',
      'status: rejected\nrepresentative-claim: seven_day_opus\nreset: +30',
      { ...MODEL, waitMs: 30_000 },
    ],
    ['by a claim of the account is its own', 'status: rejected\nrepresentative-claim: five_hour\nreset: +30', { ...KEY, waitMs: 30_000 }],
    ['of something else leaves the subscription alone', 'status: allowed\n5h-status: allowed\nreset: +30', { ...GROUP, waitMs: null }],
    [
      'of something else is no matter of the claim',
      'status: allowed_warning\nrepresentative-claim: seven_day_opus\noverage-disabled-reason: out_of_credits',
      { ...GROUP, waitMs: null },
    ],
    ['without a status is told by what is used', '5h-utilization: 1.02\n5h-reset: +600', { ...GROUP, waitMs: 600_000 }],
    [
      'is not told by what is used where there is a status',
      '5h-status: allowed\n5h-utilization: 1.02\n5h-reset: +600',
      { ...GROUP, waitMs: null },
    ],
    ['may write its reset as a date', '5h-status: rejected\n5h-reset: 2026-08-01T16:01:00Z', { ...KEY, waitMs: 60_000 }],
  ])('%s', (_, lines, judgement) => {
    expect(judged(lines)).toEqual(judgement);
  });

  test('waits as long as retry-after asks', () => {
    const headers = new Map([...unified('5h-status: rejected\n5h-reset: +600'), ['retry-after', '99']]);
    expect(provider.readHeaders(headers, NOW).retryAfterMs).toBe(99_000);
  });
});

test('a warning asks for no wait', () => {
  expect(provider.readHeaders(SUBSCRIPTION_WARNING, NOW).retryAfterMs).toBeNull();
});

test('a share that does not parse is ignored with a reason', () => {
  expect(provider.readHeaders(unified('5h-utilization: half'), NOW).ignored).toEqual([
    { name: 'anthropic-ratelimit-unified-5h-utilization', reason: 'not a number' },
  ]);
});

test('spent credits are billing only where nothing else rejects', () => {
  const headers = new Map([...SUBSCRIPTION_CREDITS_429, ...unified('5h-status: rejected')]);
  const answer = { status: 429, body: '', headers, responseTime: NOW, retryAfterMs: null };
  expect(judge(provider, answer)).toMatchObject(KEY);
  expect(judge(provider, { ...answer, headers: SUBSCRIPTION_CREDITS_429 })).toMatchObject({ verdict: 'billing', scope: 'limit_group' });
});

describe('fast mode', () => {
  const STANDARD = 'anthropic-ratelimit-requests-remaining: 9\nanthropic-ratelimit-input-tokens-remaining: 7';
  const FAST =
    'anthropic-fast-input-tokens-limit: 100\nanthropic-fast-input-tokens-remaining: 5\nanthropic-fast-output-tokens-remaining: 6';

  test.each([
    ['of fast tokens in the place of the others', `${STANDARD}\n${FAST}`, ['requests 9', 'input_tokens 5', 'output_tokens 6']],
    ['of the others without them', STANDARD, ['requests 9', 'input_tokens 7']],
    [
      'nothing of the priority tier, beyond which requests fall back',
      `${STANDARD}\nanthropic-priority-input-tokens-remaining: 0`,
      ['requests 9', 'input_tokens 7'],
    ],
  ])('a response tells %s', (_, lines, told) => {
    const { observations, ignored } = provider.readHeaders(headersOf(lines), NOW);
    expect(observations.map(({ dimension, remaining }) => `${dimension} ${remaining}`)).toEqual(told);
    expect(ignored).toEqual([]);
  });

  test.each([
    ['claude-opus-4-8-fast', 'claude-opus-4-fast'],
    ['claude-opus-5-5-fast', 'claude-opus-5-5-fast'],
    ['claude-opus-4-8', 'claude-opus-4'],
  ])('%s draws on the allowance of %s', (model, id) => {
    expect(modelClassOf(provider.modelClasses, model)).toBe(id);
  });
});

/** `+600` is the epoch second that is 600 from now. */
function unified(lines: string) {
  const text = lines
    .replaceAll(/^/gm, 'anthropic-ratelimit-unified-')
    .replaceAll(/\+(\d+)/g, (_, ahead) => String(SECONDS + Number(ahead)));
  return headersOf(text);
}

function judged(lines: string) {
  const headers = unified(lines);
  const { retryAfterMs } = provider.readHeaders(headers, NOW);
  return judge(provider, { status: 429, body: '', headers, responseTime: NOW, retryAfterMs });
}
