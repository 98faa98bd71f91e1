import { describe, expect, test } from 'vitest';
import {
  parseAnyReset,
  parseEpochOrDelta,
  parseGoDuration,
  parseIdentifier,
  parseNumber,
  parseRetryAfter,
  parseRfc3339Reset,
  providerClock,
} from '../../src/provider/headers.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;

describe('a number', () => {
  test.each([
    ['0', 0],
    ['007', 7],
    ['1.5', 1.5],
    ['9007199254740992', 2 ** 53],
  ])('%s is read', (text, value) => {
    expect(parseNumber(text, NOW)).toEqual({ value });
  });

  test.each(['-1', '-0', '-12.5'])('%s means unknown', (text) => {
    expect(parseNumber(text, NOW)).toEqual({ value: null });
  });

  test.each([
    ['', 'not a number'],
    ['+1', 'not a number'],
    ['1e3', 'not a number'],
    ['1e309', 'not a number'],
    ['0x10', 'not a number'],
    ['1.', 'not a number'],
    ['.5', 'not a number'],
    ['1,000', 'not a number'],
    ['Infinity', 'not a number'],
    ['-Infinity', 'not a number'],
    ['NaN', 'not a number'],
    ['1\0', 'not a number'],
    ['1\n', 'not a number'],
    ['١٢', 'not a number'],
    ['\uff11\uff12', 'not a number'],
    ['9007199254740994', 'larger than 2^53'],
    ['9'.repeat(256), 'larger than 2^53'],
  ])('%j is ignored', (text, ignored) => {
    expect(parseNumber(text, NOW)).toEqual({ ignored });
  });
});

describe('a Go duration', () => {
  test.each([
    ['6m0s', 360_000],
    ['20m52.666s', 1_252_666],
    ['12ms', 12],
    ['1h30m', 5_400_000],
    ['0s', 0],
    ['17.399999999s', 17_400],
    ['2000us', 2],
    ['2000µs', 2],
    ['2000μs', 2],
    ['4.1s', 4100],
    ['16.1s', 16_100],
    ['1ns', 0],
    ['1us', 1],
  ])('%s is %d ms', (text, value) => {
    expect(parseGoDuration(text, NOW)).toEqual({ value });
  });

  test('below zero means unknown', () => {
    expect(parseGoDuration('-1m0s', NOW)).toEqual({ value: null });
  });

  test.each([
    ['', 'not a duration'],
    ['-', 'not a duration'],
    ['--1s', 'not a duration'],
    ['5', 'not a duration'],
    ['5d', 'not a duration'],
    ['1m 2s', 'not a duration'],
    ['1e3s', 'not a duration'],
    ['s', 'not a duration'],
    ['1sx', 'not a duration'],
    [`${'9'.repeat(200)}h`, 'more than 35 days'],
    ['840h1ms', 'more than 35 days'],
  ])('%j is ignored', (text, ignored) => {
    expect(parseGoDuration(text, NOW)).toEqual({ ignored });
  });
});

describe('a reset', () => {
  test.each([
    ['in RFC 3339 is the time until then', parseRfc3339Reset, '2026-11-24T12:01:03Z', { value: 63_000 }],
    ['in RFC 3339 that has passed is now', parseRfc3339Reset, '2026-11-24T11:59:56Z', { value: 0 }],
    ['35 days ahead is read', parseRfc3339Reset, '2026-12-29T12:00:00Z', { value: 35 * DAY_MS }],
    ['further ahead is ignored', parseRfc3339Reset, '2026-12-29T12:00:01Z', { ignored: 'more than 35 days' }],
    ['in the year 9999 is ignored', parseRfc3339Reset, '9999-12-31T23:59:59Z', { ignored: 'more than 35 days' }],
    ['that is no time is ignored', parseRfc3339Reset, 'soon', { ignored: 'not an RFC 3339 time' }],
    ['above 10^12 is epoch milliseconds', parseEpochOrDelta, String(NOW + 1500), { value: 1500 }],
    ['above 10^9 is epoch seconds', parseEpochOrDelta, String(NOW / 1000 + 30), { value: 30_000 }],
    ['in epoch seconds that have passed is now', parseEpochOrDelta, String(NOW / 1000 - 30), { value: 0 }],
    ['below that is seconds from now', parseEpochOrDelta, '26.28409242630005', { value: 26_285 }],
    ['of many seconds from now is ignored', parseEpochOrDelta, '1000000000', { ignored: 'more than 35 days' }],
    ['in far epoch seconds is ignored', parseEpochOrDelta, '999999999999', { ignored: 'more than 35 days' }],
    ['below zero is unknown', parseEpochOrDelta, '-1', { value: null }],
    ['in any spelling may be seconds', parseAnyReset, '30', { value: 30_000 }],
    ['in any spelling may be a Go duration', parseAnyReset, '1m30s', { value: 90_000 }],
    ['in any spelling may be RFC 3339', parseAnyReset, '2026-11-24T12:01:03Z', { value: 63_000 }],
    ['in no spelling is ignored', parseAnyReset, 'soon', { ignored: 'not a time' }],
  ])('%s', (_, parse, text, expected) => {
    expect(parse(text, NOW)).toEqual(expected);
  });
});

test.each([
  ['seconds', '16', { value: 16_000 }],
  ['seconds with decimals', '0.25', { value: 250 }],
  ['an HTTP date', 'Tue, 24 Nov 2026 12:01:00 GMT', { value: 60_000 }],
  ['an HTTP date that has passed', 'Tue, 24 Nov 2026 11:00:00 GMT', { value: 0 }],
  ['35 days', String(35 * 86_400), { value: 35 * DAY_MS }],
  ['more than 35 days', String(35 * 86_400 + 1), { ignored: 'more than 35 days' }],
  ['a date more than 35 days ahead', 'Fri, 24 Nov 2028 12:00:00 GMT', { ignored: 'more than 35 days' }],
  ['a word', 'later', { ignored: 'neither seconds nor an HTTP date' }],
])('retry-after may be %s', (_, text, expected) => {
  expect(parseRetryAfter(text, NOW)).toEqual(expected);
});

test.each(['org-1', 'user-abc123', 'e4b0c2aa-1111-2222-3333-444455556666'])('%s identifies an account', (text) => {
  expect(parseIdentifier(text, NOW)).toEqual({ value: text });
});

test.each(['', 'a b', 'a/b', 'a\0b', 'ä'])('%j identifies no account', (text) => {
  expect(parseIdentifier(text, NOW)).toEqual({ ignored: 'not an identifier' });
});

test.each([
  ['the date header, where it parses', 'Tue, 24 Nov 2026 12:00:05 GMT', NOW + 5000],
  ['the arrival, where it does not', 'yesterday', NOW],
])("the provider's clock is %s", (_, date, clock) => {
  expect(providerClock(new Map([['date', date]]), NOW)).toBe(clock);
});
