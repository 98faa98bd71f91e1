import { expect, test } from 'vitest';
import { type Others, outageOf } from './figures.ts';
import type { Call } from './journal.ts';
import { USAGE } from './pools.ts';

const BEGAN = 100_000;
const VICTIM = 0;

/** An acquire at a replica that was sent so long after the fault began, and took so long. */
const acquire = (
  sentMs: number,
  tookMs: number,
  { replica = 1, pool = USAGE.pool, kind = 'refused' as 'refused' | 'unknown' } = {},
): Call => ({
  ...{ holder: 'h', pool, replica, sent: BEGAN + sentMs, answered: BEGAN + sentMs + tookMs },
  ask: { kind: 'acquire', requestId: 'r', requests: 1 },
  answer: { kind, status: 'RESOURCE_EXHAUSTED' },
});

const around = { began: BEGAN, ended: BEGAN, resumed: BEGAN, aroundMs: 3_000, victim: VICTIM };
const steady = (tookMs: readonly number[]) => tookMs.map((took, second) => acquire(second * 1_000, took));

test.each<{ name: string; calls: Call[]; others: Others }>([
  {
    name: 'nothing happened to them',
    calls: [acquire(-1, 10), ...steady([10, 10, 10, 10, 10, 10])],
    others: { before: 10, seconds: [10, 10, 10, 10, 10, 10], calmAfter: 0 },
  },
  {
    name: 'twice as slow is calm, more is not',
    calls: [acquire(-1, 10), ...steady([50, 21, 20, 10, 10, 10])],
    others: { before: 10, seconds: [50, 21, 20, 10, 10, 10], calmAfter: 2 },
  },
  {
    name: 'a late excess counts, however calm it was before',
    calls: [acquire(-1, 10), ...steady([10, 10, 10, 10, 30, 10])],
    others: { before: 10, seconds: [10, 10, 10, 10, 30, 10], calmAfter: 5 },
  },
  {
    name: 'the last second is not calm',
    calls: [acquire(-1, 10), ...steady([10, 10, 10, 10, 10, 30])],
    others: { before: 10, seconds: [10, 10, 10, 10, 10, 30], calmAfter: null },
  },
  {
    name: 'a second without an answer is not calm',
    calls: [acquire(-1, 10), ...steady([10, 10, 10, 10, 10]), acquire(5_000, 1, { kind: 'unknown' })],
    others: { before: 10, seconds: [10, 10, 10, 10, 10, Number.NaN], calmAfter: null },
  },
  {
    name: 'how long an acquire waited for a key does not count',
    calls: [acquire(-1, 10), acquire(0, 99, { pool: 'slots' }), ...steady([10, 10, 10, 10, 10, 10])],
    others: { before: 10, seconds: [10, 10, 10, 10, 10, 10], calmAfter: 0 },
  },
  {
    name: 'what the victim answered does not count, nor what was sent earlier',
    calls: [acquire(-3_001, 99), acquire(-1, 10), acquire(0, 99, { replica: VICTIM }), ...steady([10, 10, 10, 10, 10, 10])],
    others: { before: 10, seconds: [10, 10, 10, 10, 10, 10], calmAfter: 0 },
  },
])('the others: $name', ({ calls, others }) => {
  expect(outageOf(calls, around).others).toEqual(others);
});
