import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextPacificMidnight } from '../../src/provider/pacific.ts';

const HOUR_MS = 3_600_000;

test.each([
  ['in winter, 08:00 UTC', Date.UTC(2026, 10, 24, 12), Date.UTC(2026, 10, 25, 8)],
  ['in summer, 07:00 UTC', Date.UTC(2026, 7, 20, 6), Date.UTC(2026, 7, 20, 7)],
  ['after midnight itself, a day later', Date.UTC(2026, 7, 20, 7), Date.UTC(2026, 7, 21, 7)],
  ['just before midnight', Date.UTC(2026, 7, 20, 7) - 1, Date.UTC(2026, 7, 20, 7)],
  ['before the day on which summer time starts', Date.UTC(2026, 2, 8, 7, 59), Date.UTC(2026, 2, 8, 8)],
  ['on that day, which has 23 hours', Date.UTC(2026, 2, 8, 8), Date.UTC(2026, 2, 9, 7)],
  ['before the day on which it ends', Date.UTC(2026, 10, 1, 6, 59), Date.UTC(2026, 10, 1, 7)],
  ['on that day, which has 25 hours', Date.UTC(2026, 10, 1, 7), Date.UTC(2026, 10, 2, 8)],
  ['on New Year', Date.UTC(2027, 0, 1, 7, 30), Date.UTC(2027, 0, 1, 8)],
  ['on a leap day', Date.UTC(2028, 1, 29, 12), Date.UTC(2028, 2, 1, 8)],
])('the next Pacific midnight is %s', (_, now, midnight) => {
  expect(nextPacificMidnight(now)).toBe(midnight);
});

test('it is the midnight that the time zone database says, and no more than 25 hours away', () => {
  const local = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/Los_Angeles', timeStyle: 'medium' });
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2007, 10, 5), max: Date.UTC(2060, 0, 1) }), (now) => {
      const midnight = nextPacificMidnight(now);
      expect(local.format(midnight)).toBe('00:00:00');
      expect(midnight).toBeGreaterThan(now);
      expect(midnight - now).toBeLessThanOrEqual(25 * HOUR_MS);
    }),
    { numRuns: 500 },
  );
});
