import { expect, test } from 'vitest';
import { Timings } from '../../src/service/timings.ts';

test.each([
  ['below the first bound', 0.5, [1, 0, 0]],
  ['a bound itself', 1, [1, 0, 0]],
  ['between two', 1.5, [0, 1, 0]],
  ['above the last', 9, [0, 0, 1]],
])('what took %s is counted there', (_, seconds, counts) => {
  const timings = new Timings([1, 2]);
  timings.record(seconds);
  expect(timings.counts).toEqual(counts);
  expect(timings.sum).toBe(seconds);
});
