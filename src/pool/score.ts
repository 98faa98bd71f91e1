import { roomAt } from './meter.ts';
import type { Meter } from './model.ts';
import type { Dimension, Millis } from './upstream.ts';

/** What is left of a limit after reservations, 0 to 1. */
function shareLeft(meter: Meter, now: Millis): number {
  return Math.min(1, Math.max(0, roomAt(meter, now) / meter.limit));
}

/** The tightest meter of a dimension; undefined: its limit is not known. */
function tightest(meters: readonly Meter[], dimension: Dimension, now: Millis): Meter | undefined {
  let found: Meter | undefined;
  for (const meter of meters) {
    if (meter.dimension !== dimension || meter.limit === 0) continue;
    if (found === undefined || shareLeft(meter, now) < shareLeft(found, now)) found = meter;
  }
  return found;
}

/**
 * (request score + token score) / 2, 0 to 1. The token score is (input left + output left) / (input limit + output limit), or that of
 * the sum where a provider limits the sum and it is tighter. An unknown limit scores 1.
 */
export function capacityScore(meters: readonly Meter[], now: Millis): number {
  const requests = tightest(meters, 'requests', now);
  const requestScore = requests === undefined ? 1 : shareLeft(requests, now);
  return (requestScore + tokenScore(meters, now)) / 2;
}

function tokenScore(meters: readonly Meter[], now: Millis): number {
  const sum = tightest(meters, 'tokens', now);
  const sumScore = sum === undefined ? 1 : shareLeft(sum, now);
  let left = 0;
  let limit = 0;
  for (const meter of [tightest(meters, 'input_tokens', now), tightest(meters, 'output_tokens', now)]) {
    if (meter === undefined) continue;
    left += shareLeft(meter, now) * meter.limit;
    limit += meter.limit;
  }
  return limit === 0 ? sumScore : Math.min(sumScore, left / limit);
}

/** What is left of the scarcest limit, 0 to 1; 1 where no limit is known. */
export function headroom(meters: readonly Meter[], now: Millis): number {
  let least = 1;
  for (const meter of meters) least = Math.min(least, shareLeft(meter, now));
  return least;
}
