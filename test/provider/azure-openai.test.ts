import { expect, test } from 'vitest';
import { provider } from '../../src/provider/azure-openai.ts';
import { headersOf } from './responses.ts';

const NOW = Date.UTC(2026, 10, 24, 12);

test.each([
  ['milliseconds where they fit', 120, 119, '500', '60', 500],
  ['whole seconds where they fit', 50, 49, '1', '60', 1000],
  ['seconds of a nearly empty limit', 60, 15, '45', '60', 45_000],
  ['milliseconds of a nearly empty limit', 60, 15, '44900', '60', 44_900],
  ['the unit that the period allows', 100, 40, '10', '10', 10_000],
  ['never beyond the period', 60, 0, '90', '60', 90],
  ['unknown beyond the period in either unit', 60, 0, '60001', '60', null],
  ['unknown where nothing is missing', 50, 50, '7', '60', null],
  ['unknown where more remains than the limit', 50, 60, '7', '60', null],
  ['unknown for zero', 250, 249, '0', '60', null],
])('a reset is %s', (_, limit, remaining, reset, period, resetInMs) => {
  const headers = headersOf(`
    x-ratelimit-limit-tokens: ${limit}
    x-ratelimit-remaining-tokens: ${remaining}
    x-ratelimit-reset-tokens: ${reset}
    x-ratelimit-renewalperiod-tokens: ${period}`);
  const windowMs = Number(period) * 1000;
  expect(provider.readHeaders(headers, NOW).observations).toEqual([
    { dimension: 'tokens', limit, remaining, resetInMs, windowMs, windowNamed: true, refill: 'continuous' },
  ]);
});

test.each([
  ['is left out', 'server: x'],
  ['is no number', 'x-ratelimit-renewalperiod-requests: minute'],
  ['is zero', 'x-ratelimit-renewalperiod-requests: 0'],
])('a period that %s is a minute that no header names', (_, line) => {
  const headers = headersOf(`x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 59\n${line}`);
  expect(provider.readHeaders(headers, NOW).observations).toMatchObject([{ windowMs: 60_000, windowNamed: false, resetInMs: null }]);
});

test.each([
  ['the older reset', 'x-rate-limit-reset-tokens: 55', 55_000],
  ['the later of two', 'x-rate-limit-reset-tokens: 5\nx-rate-limit-reset-requests: 9', 9000],
  ['retry-after, where it is told', 'x-rate-limit-reset-tokens: 55\nretry-after: 3', 3000],
  ["another vendor's header", 'x-ms-retry-after-ms: 700', 700],
])('the wait is %s', (_, lines, wait) => {
  expect(provider.readHeaders(headersOf(lines), NOW).retryAfterMs).toBe(wait);
});

test('a limit with an unknown remaining is learnt without a reset', () => {
  const headers = headersOf('x-ratelimit-limit-tokens: 60\nx-ratelimit-remaining-tokens: -1\nx-ratelimit-reset-tokens: 5');
  expect(provider.readHeaders(headers, NOW).observations).toMatchObject([{ limit: 60, remaining: null, resetInMs: null }]);
});
