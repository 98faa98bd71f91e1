import type { Millis } from '../pool/upstream.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAYS = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

const RFC_3339 = new RegExp(
  String.raw`^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)[Tt]${TIME}(?<fraction>\.\d+)?(?:[Zz]|(?<sign>[+-])(?<offsetHours>\d\d):(?<offsetMinutes>\d\d))$`,
);

/** The form in use today, then the two obsolete ones that a recipient must still accept. */
const HTTP_DATES = [
  new RegExp(String.raw`^${DAYS}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^${LONG_DAYS}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^${DAYS} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`),
];

const MEAN_MONTH_MS = 30.436875 * 86_400_000;

/** The moment that an RFC 3339 date-time names; null: it is none. */
export function parseRfc3339(text: string): Millis | null {
  const parts = RFC_3339.exec(text)?.groups;
  if (!parts) return null;
  const offsetHours = Number(parts.offsetHours ?? 0);
  const offsetMinutes = Number(parts.offsetMinutes ?? 0);
  const local = momentOf(Number(parts.year), Number(parts.month), parts);
  if (local === null || offsetHours > 23 || offsetMinutes > 59) return null;
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000 * (parts.sign === '-' ? -1 : 1);
  return local + Math.trunc(Number(parts.fraction ?? 0) * 1000) - offsetMs;
}

/** The moment that an HTTP date names, in any of its three forms; null: it is none. */
export function parseHttpDate(text: string): Millis | null {
  for (const form of HTTP_DATES) {
    const parts = form.exec(text)?.groups;
    if (parts) return momentOf(fullYear(parts.year!), MONTHS.indexOf(parts.month!) + 1, parts);
  }
  return null;
}

/** 00:00 UTC of the first day of the month after this moment. */
export function nextMonth(now: Millis): Millis {
  let months = Math.floor(now / MEAN_MONTH_MS) - 1;
  while (Date.UTC(1970, months, 1) <= now) months += 1;
  return Date.UTC(1970, months, 1);
}

/** Two digits are read as 1970 to 2069. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

/** Null for a date that the calendar does not have, and for one before 1970. A leap second counts as the second after it. */
function momentOf(year: number, month: number, parts: Record<string, string | undefined>): Millis | null {
  const [day, hour, minute, second] = [Number(parts.day), Number(parts.hour), Number(parts.minute), Number(parts.second)];
  const inCalendar = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  return inCalendar && hour <= 23 && minute <= 59 && second <= 60 ? Date.UTC(year, month - 1, day, hour, minute, second) : null;
}

function daysIn(year: number, month: number): number {
  return (Date.UTC(year, month, 1) - Date.UTC(year, month - 1, 1)) / 86_400_000;
}
