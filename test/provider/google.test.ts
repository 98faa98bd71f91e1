import { describe, expect, test } from 'vitest';
import { observationsInBody } from '../../src/provider/body-reading.ts';
import { readGoogleBody } from '../../src/provider/google.ts';
import { providerByName } from '../../src/provider/index.ts';
import { judge } from '../../src/provider/judge.ts';
import { modelClassOf } from '../../src/provider/model-class.ts';
import { headersOf } from './responses.ts';
import { GEMINI_429_BODY } from './vectors.ts';

/** In summer, so that midnight in Los Angeles is 07:00 UTC, an hour away. */
const NOW = Date.UTC(2026, 7, 20, 6);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('the wait', () => {
  test.each([
    ['of a minute is the delay and the second that was cut', quota('PerMinute', '250', '48s'), 49_000],
    ['of a minute may have decimals', quota('PerMinute', '250', '48.5s'), 49_500],
    ['of a day ends at midnight Pacific time, whatever the delay', quota('PerDay', '250', '48s'), HOUR_MS],
    ['of a day ends there without a delay', quota('PerDay', '250', null), HOUR_MS],
    ['of a day is the delay where that is hours', quota('PerDay', '250', '36000s'), 36_001_000],
    ['of a day by its string code', '{"error":{"code":"quota_exceeded"}}', HOUR_MS],
    ['of a body that was cut', quota('PerDay', '250', '48s').slice(0, -40), HOUR_MS],
    ['without anything is unknown', '{"error":{}}', null],
    ['of a month is not believed', quota('PerMinute', '250', '9999999s'), null],
  ])('%s', (_, body, waitMs) => {
    expect(readGoogleBody(body, NOW).waitMs).toBe(waitMs);
  });

  test.each(['gemini', 'vertex'])('counts from the time of %s', (name) => {
    const headers = headersOf('date: Thu, 20 Aug 2026 06:59:30 GMT');
    const answer = { status: 429, body: quota('PerDay', '250', '3s'), headers, responseTime: NOW, retryAfterMs: null };
    expect(judge(providerByName(name)!, answer)).toEqual({ verdict: 'rate_limited', scope: 'limit_group', waitMs: 30_000 });
  });
});

describe('what was exceeded', () => {
  test.each([
    ['GenerateRequestsPerMinutePerProjectPerModel-FreeTier', 'requests', 60_000, 49_000],
    ['GenerateRequestsPerDayPerProjectPerModel-FreeTier', 'requests', DAY_MS, HOUR_MS],
    ['GenerateContentPaidTierInputTokensPerModelPerMinute', 'input_tokens', 60_000, 49_000],
    ['GenerateContentOutputTokensPerModelPerMinute', 'output_tokens', 60_000, 49_000],
    ['GenerateContentTokensPerModelPerDay', 'tokens', DAY_MS, HOUR_MS],
  ])('%s is an empty limit of %s', (quotaId, dimension, windowMs, resetInMs) => {
    expect(readGoogleBody(violation(quotaId, '250', '48s'), NOW).observations).toEqual([
      { dimension, limit: 250, remaining: 0, resetInMs, windowMs, windowNamed: true, refill: 'fixed' },
    ]);
  });

  test.each([
    ['no window', violation('GenerateRequestsPerProject', '250', '48s')],
    ['nothing that is limited here', violation('ImagesPerMinute', '250', '48s')],
    ['no value', violation('RequestsPerMinute', 'many', '48s')],
    ['a quota of 0', violation('RequestsPerMinute', '0', '48s')],
    ['a list in the place of an object', '[[]]'],
    ['no list of details', '{"error":{"details":{"violations":1}}}'],
    ['nothing', ''],
    ['brackets without end', '['.repeat(16_384)],
    ['brackets in brackets', `${'['.repeat(8000)}${']'.repeat(8000)}`],
  ])('a body with %s tells no limit', (_, body) => {
    expect(readGoogleBody(body, NOW).observations).toEqual([]);
  });

  test('an error in a list, as streams have it, is read', () => {
    expect(readGoogleBody(`[${quota('PerMinute', '250', '48s')}]`, NOW).observations).toHaveLength(1);
  });

  test('at most sixteen are read', () => {
    const violations = Array.from({ length: 17 }, () => ({ quotaId: 'RequestsPerMinute', quotaValue: '5' }));
    expect(readGoogleBody(JSON.stringify({ error: { details: [{ violations }] } }), NOW).observations).toHaveLength(16);
  });

  test.each([
    ['a 429', 429, 'gemini', GEMINI_429_BODY, 1],
    ['a success', 200, 'gemini', GEMINI_429_BODY, 0],
    ['no response', 0, 'gemini', GEMINI_429_BODY, 0],
    ['a provider whose bodies tell no limits', 429, 'openai', GEMINI_429_BODY, 0],
    ['what stands behind 16 KiB', 429, 'gemini', GEMINI_429_BODY.padStart(20_000), 0],
  ])('%s', (_, status, name, body, count) => {
    const answer = { status, body, headers: new Map(), responseTime: NOW, retryAfterMs: null };
    expect(observationsInBody(providerByName(name)!, answer)).toHaveLength(count);
  });
});

test.each([
  ['gemini-2.5-flash', 'gemini-2.5-flash'],
  ['models/gemini-2.5-flash', 'gemini-2.5-flash'],
  ['gemini-2.5-flash-001', 'gemini-2.5-flash'],
  ['gemini-2.5-flash-preview-09-2025', 'gemini-2.5-flash'],
  ['gemini-2.5-flash-lite', 'gemini-2.5-flash-lite'],
  ['gemini-2.5-flash-image', 'gemini-2.5-flash-image'],
])('%s draws on the allowance of %s', (model, id) => {
  expect(['gemini', 'vertex'].map((name) => modelClassOf(providerByName(name)!.modelClasses, model))).toEqual([id, id]);
});

function quota(window: string, value: string, delay: string | null): string {
  return violation(`GenerateRequests${window}PerProjectPerModel`, value, delay);
}

function violation(quotaId: string, quotaValue: string, retryDelay: string | null): string {
  const details = [...(retryDelay === null ? [] : [{ retryDelay }]), { violations: [{ quotaId, quotaValue }] }];
  return JSON.stringify({ error: { details } });
}
