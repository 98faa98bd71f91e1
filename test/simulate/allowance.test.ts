import { expect, test } from 'vitest';
import { Allowance } from '../../src/simulate/allowance.ts';
import { START } from '../../src/simulate/scenario.ts';
import { MINUTE, SECOND } from './short.ts';

const open = (refill: 'continuous' | 'fixed', fill = 1) => new Allowance({ limit: 60, windowMs: MINUTE, refill, fill }, START);

test.each([
  ['a bucket refills in a straight line', 'continuous', 10 * SECOND, 10],
  ['a bucket is never more than full', 'continuous', 5 * MINUTE, 60],
  ['a window brings nothing back before its end', 'fixed', MINUTE - 1, 0],
  ['a window starts anew at its end', 'fixed', MINUTE, 60],
] as const)('%s', (_name, refill, afterMs, level) => {
  const allowance = open(refill);
  allowance.take(60, START);
  expect(allowance.level(START + afterMs)).toBe(level);
});

test.each([
  ['a bucket has an amount after its refill', 'continuous', 20 * SECOND],
  ['a window has it when it starts anew', 'fixed', MINUTE],
] as const)('%s', (_name, refill, waitMs) => {
  const allowance = open(refill);
  allowance.take(50, START);
  expect(allowance.waitFor(30, START)).toBe(waitMs);
  expect(allowance.waitFor(10, START)).toBe(0);
  expect(allowance.waitFor(61, START)).toBe(Number.POSITIVE_INFINITY);
});

test('what is counted as it goes drains beside the refill, counts as used, and may leave a debt', () => {
  const allowance = open('continuous', 0);
  allowance.drain(0.003, START);
  expect(allowance.level(START + 10 * SECOND)).toBeCloseTo(-20);
  expect(allowance.used).toBeCloseTo(30);
  allowance.drain(-0.003, START + 10 * SECOND);
  expect(allowance.level(START + 30 * SECOND)).toBeCloseTo(0);
  expect(allowance.resetIn(START + 30 * SECOND)).toBeCloseTo(MINUTE);
});

test('a drain across the end of a window draws on the new one', () => {
  const allowance = open('fixed');
  allowance.drain(0.001, START + 50 * SECOND);
  expect(allowance.level(START + 70 * SECOND)).toBeCloseTo(50);
});
