import { expect, test } from 'vitest';
import { callsOf } from '../../src/simulate/load.ts';
import { type Load, START } from '../../src/simulate/scenario.ts';
import { MINUTE, PLAIN, SECOND, scenarioOf } from './short.ts';

const load = (changes: Partial<Load> = {}): Load => ({ ...scenarioOf(PLAIN).load, ratePerSecond: 20, ...changes });

test.each(['poisson', 'bursts', 'day'] as const)('%s: as many calls arrive as the rate says, in order and in time', (pattern) => {
  const calls = callsOf(load({ pattern, periodMs: pattern === 'day' ? 10 * MINUTE : 30 * SECOND }), 10 * MINUTE, 1);
  const arrivals = calls.map(({ arrival }) => arrival);
  expect(Math.abs(calls.length - 12_000)).toBeLessThan(400);
  expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
  expect(arrivals.at(-1)).toBeLessThan(START + 10 * MINUTE);
});

test('a burst comes within a moment', () => {
  const calls = callsOf(load({ pattern: 'bursts', periodMs: 30 * SECOND }), 30 * SECOND, 1);
  expect(calls.every(({ arrival }) => arrival < START + 100)).toBe(true);
});

test('estimates are off by no more than their error, and lengths keep their bounds', () => {
  const calls = callsOf(load({ estimateError: 0.4 }), MINUTE, 1);
  const ratios = calls.map(({ estimatedInput, inputTokens }) => (estimatedInput ?? 0) / inputTokens);
  expect(Math.min(...ratios)).toBeGreaterThan(0.55);
  expect(Math.max(...ratios)).toBeLessThan(1.45);
  expect(calls.every(({ lengthMs }) => lengthMs >= 100 && lengthMs <= MINUTE)).toBe(true);
});

test('another seed makes other calls, the same one the same', () => {
  expect(callsOf(load(), MINUTE, 1)).toEqual(callsOf(load(), MINUTE, 1));
  expect(callsOf(load(), MINUTE, 2)).not.toEqual(callsOf(load(), MINUTE, 1));
});
