import type { Duration } from '../generated/google/protobuf/duration.ts';
import type { Timestamp } from '../generated/google/protobuf/timestamp.ts';

const SECOND = 1_000;
const UNITS = [
  { letter: 'd', ms: 86_400 * SECOND },
  { letter: 'h', ms: 3_600 * SECOND },
  { letter: 'm', ms: 60 * SECOND },
  { letter: 's', ms: SECOND },
] as const;
const grouped = new Intl.NumberFormat('en-US');

/** A whole number with its thousands apart: `29,987`. */
export const number = (value: number): string => grouped.format(Math.round(value));

/** A share from 0 to 1 with two decimals. */
export const score = (value: number): string => value.toFixed(2);

/** A count with its noun: `1 key`, `3 keys`. */
export const counted = (count: number, noun: string): string => `${number(count)} ${noun}${count === 1 ? '' : 's'}`;

/** A span in its two largest units, rounded up to whole seconds: `12s`, `1m 30s`, `2h`; below a second `250ms`. */
export function span(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))}ms`;
  const whole = Math.ceil(ms / SECOND) * SECOND;
  const largest = UNITS.findIndex((unit) => whole >= unit.ms);
  let rest = whole;
  const parts: string[] = [];
  for (const unit of UNITS.slice(largest, largest + 2)) {
    const amount = Math.floor(rest / unit.ms);
    if (amount > 0) parts.push(`${amount}${unit.letter}`);
    rest -= amount * unit.ms;
  }
  return parts.join(' ');
}

/** A moment as seen from now: `in 16s`, `3m ago`, `now`; the empty string where it is unset. */
export function relative(time: Timestamp | undefined, now: number): string {
  if (time === undefined) return '';
  const ms = toMillis(time) - now;
  if (Math.abs(ms) < SECOND / 2) return 'now';
  return ms > 0 ? `in ${span(Math.max(ms, SECOND))}` : `${span(Math.max(-ms, SECOND))} ago`;
}

/** An enum name without its prefix, in words: `KEY_STATE_COOLDOWN` without `KEY_STATE_` is `cooldown`; unspecified is empty. */
export function word(prefix: string, name: string): string {
  const bare = name.slice(prefix.length);
  return bare === 'UNSPECIFIED' ? '' : bare.toLowerCase().replaceAll('_', ' ');
}

/** Text of others without the control characters that would steer a terminal. */
export const plain = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ');

/** Milliseconds since the epoch. */
const toMillis = (time: Timestamp): number => time.seconds * SECOND + time.nanos / 1e6;

/** Milliseconds of a protobuf Duration. */
export const durationMs = (duration: Duration): number => duration.seconds * SECOND + duration.nanos / 1e6;

/** The protobuf Duration of milliseconds. */
export function toDuration(ms: number): Duration {
  const seconds = Math.floor(ms / SECOND);
  return { seconds, nanos: Math.round((ms - seconds * SECOND) * 1e6) };
}

/** The protobuf Timestamp of milliseconds since the epoch. */
export const toTimestamp = (ms: number): Timestamp => toDuration(ms);
