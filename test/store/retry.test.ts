import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { retryUntilDone } from '../../src/store/retry.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('attempts come after 250 ms, then after twice as long, at most 2 s apart, until one succeeds', () => {
  const start = Date.now();
  const attemptsMs: number[] = [];
  retryUntilDone(() => attemptsMs.push(Date.now() - start) === 6);
  vi.advanceTimersByTime(60_000);
  expect(attemptsMs).toEqual([250, 750, 1_750, 3_750, 5_750, 7_750]);
});

test('once stopped there are no more attempts', () => {
  const attempt = vi.fn(() => false);
  const stop = retryUntilDone(attempt);
  vi.advanceTimersByTime(250);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(attempt).toHaveBeenCalledTimes(1);
});
