import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationOf, millisOf, spanOf, timestampOf } from '../../src/grpc/time.ts';

const LAST_SECOND = 253_402_300_799;

test.each([
  { what: 'a whole second', time: 1_800_000_000_000, timestamp: { seconds: 1_800_000_000, nanos: 0 } },
  { what: 'a millisecond', time: 1_800_000_000_001, timestamp: { seconds: 1_800_000_000, nanos: 1_000_000 } },
  { what: 'a moment before a whole second', time: 1_800_000_000_000 - 2 ** -12, timestamp: { seconds: 1_800_000_000, nanos: 0 } },
  { what: 'a time before the epoch', time: -1, timestamp: { seconds: -1, nanos: 999_000_000 } },
  { what: 'a time after the year 9999', time: 9e15, timestamp: { seconds: LAST_SECOND, nanos: 0 } },
  { what: 'no end', time: Number.POSITIVE_INFINITY, timestamp: { seconds: LAST_SECOND, nanos: 0 } },
])('$what as a Timestamp', ({ time, timestamp }) => {
  expect(timestampOf(time)).toEqual(timestamp);
});

test.each([
  { what: 'almost a second', ms: 999.999_999_9, duration: { seconds: 1, nanos: 0 } },
  { what: 'half a millisecond', ms: 0.5, duration: { seconds: 0, nanos: 500_000 } },
  { what: 'no end', ms: Number.POSITIVE_INFINITY, duration: { seconds: 315_576_000_000, nanos: 0 } },
])('$what as a Duration', ({ ms, duration }) => {
  expect(durationOf(ms)).toEqual(duration);
});

const times = fc.double({ min: 0, max: LAST_SECOND * 1_000, noNaN: true });

test('whatever is sent as a time or a span, this server itself would accept, and it is the same to a microsecond', () => {
  fc.assert(
    fc.property(times, (time) => {
      const [back, span] = [millisOf(timestampOf(time)), spanOf(durationOf(time))];
      expect(Math.abs((back as number) - time)).toBeLessThanOrEqual(0.001);
      expect(Math.abs((span as number) - time)).toBeLessThanOrEqual(0.001);
    }),
  );
});
