import type { Headers, Millis } from '../pool/upstream.ts';
import { parseHttpDate, parseRfc3339 } from './dates.ts';

/** A value, or why it is ignored. The value null: the provider says that it does not know. */
export type Parsed<T> = { readonly value: T | null } | { readonly ignored: string };

/** Reads one header's text; `clock` is the provider's, for texts that name a moment. Never throws. */
export type Parser<T> = (text: string, clock: Millis) => Parsed<T>;

/** A wait or reset further away than this is a mistake: no provider counts over more than a month. */
const SPAN_MS_MAX = 35 * 86_400_000;
const EPOCH_SECONDS_MIN = 1e9;
const EPOCH_MILLIS_MIN = 1e12;

const NUMBER = /^-?\d+(?:\.\d+)?$/;
const GO_DURATION_PART = /(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|μs|ns)/y;
const GO_UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 };

/** A decimal number of at most 2^53; negative ones mean unknown. */
export const parseNumber: Parser<number> = (text) => {
  if (!NUMBER.test(text)) return { ignored: 'not a number' };
  const value = Number(text);
  if (text.startsWith('-')) return { value: null };
  return value <= 2 ** 53 ? { value } : { ignored: 'larger than 2^53' };
};

/** A number of seconds, as milliseconds. */
export const parseSeconds: Parser<number> = (text, clock) => scaled(parseNumber(text, clock), 1000);

/** A number of milliseconds. */
export const parseMilliseconds: Parser<number> = (text, clock) => scaled(parseNumber(text, clock), 1);

/** A duration as Go writes it, `6m0s` or `12ms`, in milliseconds; negative ones mean unknown. */
export const parseGoDuration: Parser<number> = (text) => {
  const ms = goDurationMs(text.replace(/^-/, ''));
  if (ms === null) return { ignored: 'not a duration' };
  return text.startsWith('-') ? { value: null } : span(ms);
};

/** Milliseconds until an RFC 3339 moment, 0 where it has passed. */
export const parseRfc3339Reset: Parser<number> = (text, clock) => until(parseRfc3339(text), clock, 'not an RFC 3339 time');

/** A moment in epoch milliseconds or seconds, or else seconds from now, told apart by magnitude; in milliseconds from now. */
export const parseEpochOrDelta: Parser<number> = (text, clock) => {
  const parsed = parseNumber(text, clock);
  if ('ignored' in parsed || parsed.value === null) return parsed;
  if (parsed.value > EPOCH_MILLIS_MIN) return span(parsed.value - clock);
  return span(parsed.value > EPOCH_SECONDS_MIN ? parsed.value * 1000 - clock : parsed.value * 1000);
};

/** A reset in any of the spellings that are in use, in milliseconds from now. */
export const parseAnyReset: Parser<number> = (text, clock) => {
  if (NUMBER.test(text)) return parseEpochOrDelta(text, clock);
  return isGoDuration(text) ? parseGoDuration(text, clock) : until(parseRfc3339(text), clock, 'not a time');
};

/** `retry-after`: seconds or an HTTP date, in milliseconds from now. */
export const parseRetryAfter: Parser<number> = (text, clock) => {
  if (NUMBER.test(text)) return parseSeconds(text, clock);
  return until(parseHttpDate(text), clock, 'neither seconds nor an HTTP date');
};

/** An identifier: visible ASCII without `/`, which joins two of them. */
export const parseIdentifier: Parser<string> = (text) => (/^[!-.0-~]+$/.test(text) ? { value: text } : { ignored: 'not an identifier' });

/** The provider's time when it answered: its `date` header, else when the response arrived. */
export function providerClock(headers: Headers, responseTime: Millis): Millis {
  return parseHttpDate(headers.get('date') ?? '') ?? responseTime;
}

/** Whether the text is a duration as Go writes it. */
export function isGoDuration(text: string): boolean {
  return goDurationMs(text) !== null;
}

/** The sum of the parts, in milliseconds; null: it is not a duration. */
function goDurationMs(text: string): number | null {
  let sum: number | null = null;
  GO_DURATION_PART.lastIndex = 0;
  for (let end = 0; end < text.length; end = GO_DURATION_PART.lastIndex) {
    const part = GO_DURATION_PART.exec(text);
    if (!part) return null;
    sum = (sum ?? 0) + Number(part[1]) * GO_UNIT_MS[part[2]!]!;
  }
  return sum;
}

function scaled(parsed: Parsed<number>, unitMs: number): Parsed<number> {
  return 'ignored' in parsed || parsed.value === null ? parsed : span(parsed.value * unitMs);
}

function until(moment: Millis | null, clock: Millis, otherwise: string): Parsed<number> {
  return moment === null ? { ignored: otherwise } : span(moment - clock);
}

/** Rounded up to whole milliseconds, since no wait may end early; the noise of binary fractions does not count. */
function span(ms: number): Parsed<number> {
  return ms > SPAN_MS_MAX ? { ignored: 'more than 35 days' } : { value: Math.max(0, Math.ceil(ms - 1e-6)) };
}
