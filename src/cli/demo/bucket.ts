/** A token bucket that refills in a straight line. Its level may fall below zero: a debt that the refill pays first. */
export interface Bucket {
  readonly limit: number;
  /** In which an empty bucket becomes full. */
  readonly windowMs: number;
  readonly level: number;
  /** The moment of `level`, in milliseconds. */
  readonly at: number;
}

/** What is in the bucket at a time that is not before `at`. */
export function levelAt(bucket: Bucket, now: number): number {
  return Math.min(bucket.limit, bucket.level + ((now - bucket.at) * bucket.limit) / bucket.windowMs);
}

/** The bucket after an amount was taken out, whether it was in there or not. */
export function take(bucket: Bucket, amount: number, now: number): Bucket {
  return { ...bucket, level: levelAt(bucket, now) - amount, at: now };
}

/** Milliseconds until an amount is in the bucket; 0: it is there; Infinity: it never fits. */
export function waitFor(bucket: Bucket, amount: number, now: number): number {
  if (amount > bucket.limit) return Number.POSITIVE_INFINITY;
  return Math.max(0, ((amount - levelAt(bucket, now)) * bucket.windowMs) / bucket.limit);
}
