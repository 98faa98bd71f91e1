import type { Duration } from '../generated/google/protobuf/duration.ts';
import type { Timestamp } from '../generated/google/protobuf/timestamp.ts';
import type { Millis } from '../pool/upstream.ts';

const NANOS_IN_MS = 1_000_000;

export function timestampOf(time: Millis): Timestamp {
  const seconds = Math.floor(time / 1_000);
  return { seconds, nanos: Math.round((time - seconds * 1_000) * NANOS_IN_MS) };
}

export function maybeTimestampOf(time: Millis | null): Timestamp | undefined {
  return time === null ? undefined : timestampOf(time);
}

/** A span of at least 0 ms. */
export function durationOf(ms: number): Duration {
  const seconds = Math.floor(ms / 1_000);
  return { seconds, nanos: Math.round((ms - seconds * 1_000) * NANOS_IN_MS) };
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
