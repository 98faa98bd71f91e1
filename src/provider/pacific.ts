import type { Millis } from '../pool/upstream.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MEAN_YEAR_DAYS = 365.2425;
/** The weekday of the first of January 1970, counted from Sunday. */
const THURSDAY = 4;
const STANDARD_HOURS_BEHIND = 8;
const SUMMER_HOURS_BEHIND = 7;

/** The next midnight in Los Angeles after this moment, by the rules of summer time in force since 2007. */
export function nextPacificMidnight(now: Millis): Millis {
  const today = Math.floor(now / DAY_MS) - 1;
  const candidates = [today, today + 1, today + 2].map(midnightOf);
  return candidates.find((midnight) => midnight > now)!;
}

/** When the Pacific day starts that has the same date as this UTC day, counted from 1970. */
function midnightOf(day: number): Millis {
  return day * DAY_MS + (startsInSummerTime(day) ? SUMMER_HOURS_BEHIND : STANDARD_HOURS_BEHIND) * HOUR_MS;
}

/**
 * Clocks change at 02:00 on the second Sunday of March and the first of November: those days still start in the old time.
 * The year may be one off around New Year, when it is winter by either.
 */
function startsInSummerTime(day: number): boolean {
  const year = 1970 + Math.floor(day / MEAN_YEAR_DAYS);
  return day > sundayOf(year, 2, 2) && day <= sundayOf(year, 10, 1);
}

/** The nth Sunday of a month counted from 0, as a day counted from 1970. */
function sundayOf(year: number, month: number, nth: number): number {
  const first = Date.UTC(year, month, 1) / DAY_MS;
  const weekday = (first + THURSDAY) % 7;
  return first + ((7 - weekday) % 7) + (nth - 1) * 7;
}
