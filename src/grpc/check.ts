import type { Duration } from '../generated/google/protobuf/duration.ts';
import type { Timestamp } from '../generated/google/protobuf/timestamp.ts';
import type { FieldViolation } from '../service/problem.ts';
import { millisOf, spanOf } from './time.ts';

/** Collects what is wrong with a request, field by field, so that the caller hears of everything at once. */
export class FieldCheck {
  readonly violations: FieldViolation[] = [];

  violate(field: string, description: string): void {
    this.violations.push({ field, description });
  }

  required(field: string, value: string): string {
    if (value === '') this.violate(field, 'is required');
    return value;
  }

  /** At most so many bytes of UTF-8. */
  short(field: string, value: string, bytesMax: number): string {
    if (Buffer.byteLength(value) > bytesMax) this.violate(field, `is longer than ${bytesMax} bytes`);
    return value;
  }

  /** Whole milliseconds; null: unset. */
  span(field: string, value: Duration | undefined): number | null {
    if (value === undefined) return null;
    const ms = spanOf(value);
    if (typeof ms === 'number') return Math.round(ms);
    this.violate(field, ms);
    return null;
  }

  /** As `span`, and more than nothing. */
  positiveSpan(field: string, value: Duration | undefined): number | null {
    const ms = this.span(field, value);
    if (ms === 0) this.violate(field, 'must be at least a millisecond');
    return ms;
  }

  time(field: string, value: Timestamp | undefined): number | null {
    if (value === undefined) return null;
    const time = millisOf(value);
    if (typeof time === 'number') return time;
    this.violate(field, time);
    return null;
  }
}
