import type { Duration } from '../generated/google/protobuf/duration.ts';
import type { Timestamp } from '../generated/google/protobuf/timestamp.ts';
import type { Millis } from '../pool/upstream.ts';

const NANOS_IN_MS = 1_000_000;

/** The time as a message; one that no message can tell as the last one that it can. */
export function timestampOf(time: Millis): Timestamp {
  return parts(Math.min(time, TIMESTAMP_SECONDS.most * 1_000));
}

export function maybeTimestampOf(time: Millis | null): Timestamp | undefined {
  return time === null ? undefined : timestampOf(time);
}

/** A span of at least 0 ms. */
export function durationOf(ms: number): Duration {
  return parts(Math.min(ms, DURATION_SECONDS_MAX * 1_000));
}

/** Whole microseconds, which is finer than any number of milliseconds since the epoch can tell. */
function parts(ms: number): { seconds: number; nanos: number } {
  const whole = Math.round(ms * 1_000) / 1_000;
  const seconds = Math.floor(whole / 1_000);
  return { seconds, nanos: Math.round((whole - seconds * 1_000) * 1_000) * 1_000 };
}

/** Years 1 to 9999, as the well-known type promises. */
const TIMESTAMP_SECONDS = { least: -62_135_596_800, most: 253_402_300_799 };

/** About ten thousand years, as the well-known type promises. */
const DURATION_SECONDS_MAX = 315_576_000_000;

/** The time in milliseconds; a text: what is wrong with it. */
export function millisOf({ seconds, nanos }: Timestamp): Millis | string {
  if (seconds < TIMESTAMP_SECONDS.least || seconds > TIMESTAMP_SECONDS.most) return 'must lie in the years 1 to 9999';
  if (nanos < 0 || nanos > 999_999_999) return 'nanos must lie between 0 and 999999999';
  return seconds * 1_000 + nanos / NANOS_IN_MS;
}

/** The span in milliseconds, not negative; a text: what is wrong with it. */
export function spanOf({ seconds, nanos }: Duration): number | string {
  if (Math.abs(seconds) > DURATION_SECONDS_MAX || Math.abs(nanos) > 999_999_999) return 'is out of range';
  if (seconds < 0 || nanos < 0) return 'must not be negative';
  return seconds * 1_000 + nanos / NANOS_IN_MS;
}
