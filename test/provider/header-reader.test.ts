import { expect, test } from 'vitest';
import { HeaderReader, type LimitRow } from '../../src/provider/header-reader.ts';
import { parseNumber, parseSeconds } from '../../src/provider/headers.ts';
import { headersOf } from './responses.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const ROW: LimitRow = {
  dimension: 'requests',
  limit: 'limit',
  remaining: 'remaining',
  reset: 'reset',
  parseReset: parseSeconds,
  windowMs: null,
  windowNamed: false,
  refill: 'fixed',
};

test.each([
  ['seconds', 'retry-after: 16', 16_000],
  ['milliseconds', 'retry-after-ms: 250.5', 251],
  ["another vendor's milliseconds", 'x-ms-retry-after-ms: 900', 900],
  ['the longest of all', 'retry-after: 2\nretry-after-ms: 1500\nx-ms-retry-after-ms: 2500', 2500],
  ['the one that is above zero', 'retry-after: 1\nretry-after-ms: 0', 1000],
  ['the one that parses', 'retry-after: 3\nretry-after-ms: soon', 3000],
  ["a date by the provider's clock", 'date: Tue, 24 Nov 2026 11:00:00 GMT\nretry-after: Tue, 24 Nov 2026 11:00:20 GMT', 20_000],
  ['a date by the arrival where the provider names no time', 'retry-after: Tue, 24 Nov 2026 12:00:20 GMT', 20_000],
  ['none, for zero', 'retry-after: 0', null],
  ['none, below zero', 'retry-after: -5', null],
  ['none, without a header', 'server: x', null],
])('the wait is %s', (_, lines, wait) => {
  expect(new HeaderReader(headersOf(lines), NOW).finish([], null).retryAfterMs).toBe(wait);
});

test.each([
  ['counts where no header asks to wait', 'server: x', 9000],
  ['counts where a header asks for nothing', 'retry-after: 0', 9000],
  ['gives way to retry-after, also to a shorter one', 'retry-after: 2', 2000],
])('a wait that is told otherwise %s', (_, lines, wait) => {
  expect(new HeaderReader(headersOf(lines), NOW).finish([], null, 9000).retryAfterMs).toBe(wait);
});

test('a row whose reset no header tells has none', () => {
  const reader = new HeaderReader(headersOf('limit: 10\nreset: 3'), NOW);
  expect(reader.observe([{ ...ROW, reset: null, parseReset: null }])).toMatchObject([{ limit: 10, resetInMs: null }]);
});

test.each([
  ['limit and remaining', 'limit: 10\nremaining: 4\nreset: 3', [{ limit: 10, remaining: 4, resetInMs: 3000 }]],
  ['remaining alone', 'remaining: 4', [{ limit: null, remaining: 4, resetInMs: null }]],
  ['limit alone', 'limit: 10', [{ limit: 10, remaining: null, resetInMs: null }]],
  ['a reset alone', 'reset: 3', []],
  ['unknown numbers', 'limit: -1\nremaining: -1\nreset: 0', []],
  ['nothing', 'server: x', []],
])('an observation is made of %s', (_, lines, told) => {
  const { observations, ignored } = read(lines);
  const common = { dimension: 'requests', windowMs: null, windowNamed: false, refill: 'fixed' };
  expect(observations).toEqual(told.map((numbers) => ({ ...common, ...numbers })));
  expect(ignored).toEqual([]);
});

test('a header that does not parse is ignored with a reason, and the others count', () => {
  const { observations, ignored } = read('limit: ten\nremaining: 4\nreset: never');
  expect(observations).toMatchObject([{ limit: null, remaining: 4, resetInMs: null }]);
  expect(ignored).toEqual([
    { name: 'limit', reason: 'not a number' },
    { name: 'reset', reason: 'not a number' },
  ]);
});

test.each([
  [256, []],
  [257, [{ name: 'limit', reason: 'longer than 256 characters' }]],
  [10_000, [{ name: 'limit', reason: 'longer than 256 characters' }]],
])('a value of %d characters is ignored only where it is longer than 256', (length, expected) => {
  const reader = new HeaderReader(new Map([['limit', '1'.padStart(length, '0')]]), NOW);
  reader.read('limit', parseNumber);
  expect(reader.finish([], null).ignored).toEqual(expected);
});

test.each([
  ['the fewest remaining of one meter counts', [90, 40, 60], [40]],
  ['an unknown remaining is never the tighter one', [90, null], [90]],
  ['the first of equals counts', [null, null], [null]],
])('%s', (_, remaining, kept) => {
  const reader = new HeaderReader(new Map(), NOW);
  const observations = remaining.map((left) => ({ ...ROW, limit: 100, remaining: left, resetInMs: null }));
  expect(reader.finish(observations, null).observations.map((observation) => observation.remaining)).toEqual(kept);
});

test('two named windows of one dimension are two meters, two unnamed ones are one', () => {
  const reader = new HeaderReader(new Map(), NOW);
  const base = { ...ROW, limit: 100, remaining: 5, resetInMs: null };
  const named = [1000, 60_000].map((windowMs) => ({ ...base, windowMs, windowNamed: true }));
  const unnamed = [1000, 60_000].map((windowMs) => ({ ...base, windowMs }));
  expect(reader.finish([...named, ...unnamed], null).observations).toEqual([...named, unnamed[0]]);
});

function read(lines: string) {
  const reader = new HeaderReader(headersOf(lines), NOW);
  return reader.finish(reader.observe([ROW]), null);
}
