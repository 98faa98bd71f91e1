import { expect, test } from 'vitest';
import { nextMonth, parseHttpDate, parseRfc3339 } from '../../src/provider/dates.ts';

test.each([
  ['a UTC time', '2025-06-02T15:15:48Z', Date.UTC(2025, 5, 2, 15, 15, 48)],
  ['lower-case letters', '2025-06-02t15:15:48z', Date.UTC(2025, 5, 2, 15, 15, 48)],
  ['a fraction, cut to milliseconds', '2025-06-02T15:15:48.123999Z', Date.UTC(2025, 5, 2, 15, 15, 48, 123)],
  ['an offset east of Greenwich, which is ahead', '2025-06-02T15:15:48+02:00', Date.UTC(2025, 5, 2, 13, 15, 48)],
  ['an offset west of Greenwich, which is behind', '2025-06-02T15:15:48-01:30', Date.UTC(2025, 5, 2, 16, 45, 48)],
  ['the 29th of February of a leap year', '2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
  ['a leap second', '2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
])('an RFC 3339 time may be %s', (_, text, moment) => {
  expect(parseRfc3339(text)).toBe(moment);
});

test.each([
  ['without an offset', '2025-06-02T15:15:48'],
  ['with a space', '2025-06-02 15:15:48Z'],
  ['a date alone', '2025-06-02'],
  ['in month 0', '2025-00-02T15:15:48Z'],
  ['in month 13', '2025-13-02T15:15:48Z'],
  ['on day 0', '2025-06-00T15:15:48Z'],
  ['on a day that the month does not have', '2025-06-31T15:15:48Z'],
  ['on the 29th of February of a common year', '2027-02-29T00:00:00Z'],
  ['at hour 24', '2025-06-02T24:00:00Z'],
  ['at minute 60', '2025-06-02T15:60:00Z'],
  ['at second 61', '2025-06-02T15:15:61Z'],
  ['with an offset of 24 hours', '2025-06-02T15:15:48+24:00'],
  ['with an offset of 60 minutes', '2025-06-02T15:15:48+00:60'],
  ['before 1970', '0050-06-02T15:15:48Z'],
  ['with a fraction without digits', '2025-06-02T15:15:48.Z'],
  ['followed by more', '2025-06-02T15:15:48Z\n'],
  ['in other digits than ASCII', '٢٠٢٥-06-02T15:15:48Z'],
])('no RFC 3339 time is %s', (_, text) => {
  expect(parseRfc3339(text)).toBeNull();
});

test.each([
  ['the form in use', 'Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['the RFC 850 form', 'Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['the RFC 850 form of this century', 'Monday, 02-Nov-26 08:49:37 GMT', Date.UTC(2026, 10, 2, 8, 49, 37)],
  ['the asctime form', 'Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
])('an HTTP date may have %s', (_, text, moment) => {
  expect(parseHttpDate(text)).toBe(moment);
});

test.each([
  ['of another zone', 'Sun, 06 Nov 1994 08:49:37 CET'],
  ['with a month that there is not', 'Sun, 06 Nox 1994 08:49:37 GMT'],
  ['with a day that the month does not have', 'Sun, 31 Nov 1994 08:49:37 GMT'],
  ['at hour 24', 'Sun, 06 Nov 1994 24:49:37 GMT'],
  ['without a day of the week', '06 Nov 1994 08:49:37 GMT'],
  ['in another language', 'So, 06 Nov 1994 08:49:37 GMT'],
  ['empty', ''],
])('no HTTP date is %s', (_, text) => {
  expect(parseHttpDate(text)).toBeNull();
});

test.each([
  [Date.UTC(2026, 10, 24, 9), Date.UTC(2026, 11, 1)],
  [Date.UTC(2026, 11, 31, 23, 59, 59, 999), Date.UTC(2027, 0, 1)],
  [Date.UTC(2026, 10, 1), Date.UTC(2026, 11, 1)],
  [Date.UTC(2028, 0, 31), Date.UTC(2028, 1, 1)],
  [Date.UTC(2028, 1, 29), Date.UTC(2028, 2, 1)],
  [0, Date.UTC(1970, 1, 1)],
])('the month after %d starts at %d', (now, start) => {
  expect(nextMonth(now)).toBe(start);
});
