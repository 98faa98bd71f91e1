import type { Duration } from '../generated/google/protobuf/duration.ts';
import type { Timestamp } from '../generated/google/protobuf/timestamp.ts';

export function toDuration(ms: number): Duration {
  const whole = Math.max(0, Math.round(ms));
  return { seconds: Math.floor(whole / 1_000), nanos: (whole % 1_000) * 1_000_000 };
}

export function fromDuration({ seconds, nanos }: Duration): number {
  return seconds * 1_000 + nanos / 1_000_000;
}

export function toTimestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1_000);
  return { seconds, nanos: Math.round(ms - seconds * 1_000) * 1_000_000 };
}

export function fromTimestamp({ seconds, nanos }: Timestamp): number {
  return seconds * 1_000 + nanos / 1_000_000;
}
