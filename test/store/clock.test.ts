import { expect, test } from 'vitest';
import { steadyClock } from '../../src/store/clock.ts';

const DAY_MS = 86_400_000;
const START = 1_764_000_000_000;

test.each([
  { name: 'forward', jumpMs: DAY_MS },
  { name: 'back', jumpMs: -DAY_MS },
])('a wall clock that jumps a day $name changes nothing', ({ jumpMs }) => {
  let wall = START;
  let monotonic = 50;
  const now = steadyClock(
    0,
    () => wall,
    () => monotonic,
  );
  expect(now()).toBe(START);
  wall += jumpMs;
  expect(now()).toBe(START);
  monotonic += 1_500;
  expect(now()).toBe(START + 1_500);
});

test('a start with an earlier wall clock goes on from the newest time that is known', () => {
  const now = steadyClock(
    START,
    () => START - DAY_MS,
    () => 0,
  );
  expect(now()).toBe(START);
});

test('time is whole milliseconds, and a fraction is not lost', () => {
  let monotonic = 0.9;
  const now = steadyClock(
    0,
    () => START + 0.7,
    () => monotonic,
  );
  expect(now()).toBe(START);
  monotonic = 1.8;
  expect(now()).toBe(START);
  monotonic = 1.9;
  expect(now()).toBe(START + 1);
});

test('time does not step back even where the monotonic clock does', () => {
  let monotonic = 1_000;
  const now = steadyClock(
    0,
    () => START,
    () => monotonic,
  );
  monotonic = 2_000;
  now();
  monotonic = 0;
  expect(now()).toBe(START + 1_000);
});

test('without arguments it tells the time of day', () => {
  const before = Date.now();
  expect(steadyClock(0)()).toBeGreaterThanOrEqual(before);
});
