import { describe, expect, test } from 'vitest';
import { type Bucket, levelAt, take, waitFor } from '../../../src/cli/demo/bucket.ts';

/** 600 a minute: ten a second. */
const bucket = (level: number): Bucket => ({ limit: 600, windowMs: 60_000, level, at: 1_000 });

describe('a bucket', () => {
  test.each([
    { rule: 'holds at once what it held', level: 100, now: 1_000, expected: 100 },
    { rule: 'refills in a straight line', level: 100, now: 1_250, expected: 102.5 },
    { rule: 'is never more than full', level: 590, now: 3_000, expected: 600 },
    { rule: 'pays a debt first', level: -20, now: 2_000, expected: -10 },
    { rule: 'is full after its window, from empty', level: 0, now: 61_000, expected: 600 },
  ])('$rule', ({ level, now, expected }) => {
    expect(levelAt(bucket(level), now)).toBe(expected);
  });

  test.each([
    { rule: 'what is there needs no wait', level: 50, amount: 50, wait: 0 },
    { rule: 'what is missing comes with the refill', level: 40, amount: 50, wait: 1_000 },
    { rule: 'a debt is waited for too', level: -10, amount: 10, wait: 2_000 },
    { rule: 'more than the limit never fits', level: 600, amount: 601, wait: Number.POSITIVE_INFINITY },
  ])('$rule', ({ level, amount, wait }) => {
    expect(waitFor(bucket(level), amount, 1_000)).toBe(wait);
  });

  test('gives away more than it has, and refills before it does', () => {
    expect(take(bucket(10), 25, 2_000)).toEqual({ limit: 600, windowMs: 60_000, level: -5, at: 2_000 });
  });
});
