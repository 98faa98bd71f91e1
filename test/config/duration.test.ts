import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from '../../src/config/duration.ts';

test.each([
  ['0s', 0],
  ['250ms', 250],
  ['60s', 60_000],
  ['1.5s', 1500],
  ['1.005s', 1005],
  ['0.1h', 360_000],
  ['1h30m', 5_400_000],
  ['1d2h3m4s5ms', 93_784_005],
  ['90m', 5_400_000],
])('%s is %d milliseconds', (text, ms) => {
  expect(parseDuration(text)).toEqual({ ok: true, ms });
});

test.each([
  ['without a unit', '60', 'a number alone has no unit'],
  ['with decimals and no unit', '1.5', 'a number alone has no unit'],
  ['empty', '', 'expected a duration such as'],
  ['a unit alone', 's', 'expected a duration such as'],
  ['negative', '-1s', 'expected a duration such as'],
  ['with spaces', '1h 30m', 'expected a duration such as'],
  ['in capitals', '1H', 'expected a duration such as'],
  ['in an unknown unit', '1w', 'expected a duration such as'],
  ['with a bare number at its end', '1h30', 'expected a duration such as'],
  ['with a decimal point and no decimals', '1.s', 'expected a duration such as'],
  ['from the smallest unit up', '30m1h', 'from the largest to the smallest'],
  ['with a unit twice', '1s1s', 'from the largest to the smallest'],
  ['finer than a millisecond', '0.5ms', 'whole milliseconds'],
  ['too large to count in milliseconds', '999999999999d', 'whole milliseconds'],
])('a duration %s is refused', (_, text, problem) => {
  expect(parseDuration(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
});

test('a duration written from whole units is read back exactly', () => {
  const part = fc.integer({ min: 0, max: 999 });
  fc.assert(
    fc.property(part, part, part, part, part, (d, h, m, s, ms) => {
      const total = (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms;
      expect(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`)).toEqual({ ok: true, ms: total });
    }),
  );
});
