import type { Headers, Millis, Provider } from '../pool/upstream.ts';
import { parseJson, textOf, valueAt } from './body-reading.ts';
import { nextMonth } from './dates.ts';

const HEADERS_MAX = 64;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** The first of January 1970 was a Thursday: the fourth day of its week. */
const DAYS_INTO_WEEK = 3;

/** When the budget of a key starts anew, by the word for it. */
const KEY_RESETS: ReadonlyMap<string, (clock: Millis) => Millis> = new Map([
  ['daily', (clock) => (Math.floor(clock / DAY_MS) + 1) * DAY_MS],
  ['weekly', (clock) => (Math.floor((clock / DAY_MS + DAYS_INTO_WEEK) / 7) * 7 + 7 - DAYS_INTO_WEEK) * DAY_MS],
  ['monthly', nextMonth],
]);

/** Reads the headers that stand inside an error body, the window that its words name, and when a key's own budget starts anew. */
export function openrouterBodyReader(readHeaders: Provider['readHeaders']): NonNullable<Provider['readBody']> {
  return (body, clock) => {
    const metadata = valueAt(parseJson(body), 'error', 'metadata');
    const reading = readHeaders(headersIn(valueAt(metadata, 'headers')), clock);
    const windowMs = windowIn(body);
    const observations = reading.observations.map((each) => ({ ...each, windowMs, windowNamed: windowMs !== null }));
    const resets = observations.map(({ remaining, resetInMs }) => (remaining === 0 ? (resetInMs ?? 0) : 0));
    return { observations, waitMs: reading.retryAfterMs ?? (Math.max(0, ...resets) || keyReset(metadata, clock)) };
  };
}

function headersIn(value: unknown): Headers {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value).slice(0, HEADERS_MAX) : [];
  return new Map(entries.map(([name, told]) => [name.toLowerCase(), textOf(told) ?? '']));
}

function windowIn(body: string): number | null {
  if (body.includes('free-models-per-day')) return DAY_MS;
  return body.includes('free-models-per-min') ? MINUTE_MS : null;
}

function keyReset(metadata: unknown, clock: Millis): number | null {
  const reset = KEY_RESETS.get(textOf(valueAt(metadata, 'limit_reset')) ?? '');
  return reset === undefined ? null : reset(clock) - clock;
}
