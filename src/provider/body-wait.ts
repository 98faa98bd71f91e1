import type { Millis } from '../pool/upstream.ts';
import { type Parsed, parseGoDuration, parseRfc3339Reset, parseSeconds } from './headers.ts';

const REGAIN_DATE = /regain access on (\d{4}-\d\d-\d\d)(?: at (\d\d:\d\d))?/i;
const WAIT_IN_WORDS = /(?:again|retry) (?:in|after) (\d{1,12}(?:\.\d{1,12})?) ?(second|minute|hour)/i;
const WAIT_IN_UNITS = /(?:again|retry) (?:in|after) ((?:\d{1,12}(?:\.\d{1,12})?(?:h|ms|m|s))+)/i;
const SECONDS_OF_WORD: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600 };

/** Milliseconds until the date, in UTC, on which the body promises access again; null: it names none that is yet to come. */
export function waitUntilDateInBody(body: string, clock: Millis): number | null {
  const [, date, time] = REGAIN_DATE.exec(body) ?? [];
  return positive(parseRfc3339Reset(`${date}T${time ?? '00:00'}:00Z`, clock));
}

/** The wait that the body asks for, as in `try again in 6m0s` or `retry after 33 seconds`, in milliseconds; null: none. */
export function waitInBody(body: string, clock: Millis): number | null {
  const [, amount, word] = WAIT_IN_WORDS.exec(body) ?? [];
  if (word) return positive(parseSeconds(String(Number(amount) * SECONDS_OF_WORD[word.toLowerCase()]!), clock));
  return positive(parseGoDuration(WAIT_IN_UNITS.exec(body)?.[1]?.toLowerCase() ?? '', clock));
}

function positive(parsed: Parsed<number>): number | null {
  return 'value' in parsed ? parsed.value || null : null;
}
