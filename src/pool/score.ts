import { roomAt } from './meter.ts';
import type { Meter } from './model.ts';
import type { Millis } from './upstream.ts';

/** What is left of a limit after reservations, 0 to 1. */
function shareLeft(meter: Meter, now: Millis): number {
  return Math.min(1, Math.max(0, roomAt(meter, now) / meter.limit));
}

/**
 * (request score + token score) / 2, 0 to 1. The token score is (input left + output left) / (input limit + output limit), or that of
 * the sum where a provider limits the sum and it is tighter. Of several windows the tightest counts; an unknown limit scores 1.
 * Worked out for every key at every choice, and so without making anything.
 */
export function capacityScore(meters: readonly Meter[], now: Millis): number {
  let [requests, tokens, input, output] = [1, 1, 1, 1];
  let [inputLimit, outputLimit] = [0, 0];
  for (const meter of meters) {
    if (meter.limit === 0) continue;
    const share = shareLeft(meter, now);
    if (meter.dimension === 'requests') requests = Math.min(requests, share);
    else if (meter.dimension === 'tokens') tokens = Math.min(tokens, share);
    else if (meter.dimension === 'input_tokens') {
      if (inputLimit === 0 || share < input) [input, inputLimit] = [share, meter.limit];
    } else if (outputLimit === 0 || share < output) [output, outputLimit] = [share, meter.limit];
  }
  const limit = inputLimit + outputLimit;
  const tokenScore = limit === 0 ? 1 : (input * inputLimit + output * outputLimit) / limit;
  return (requests + Math.min(tokens, tokenScore)) / 2;
}

/** What is left of the scarcest limit, 0 to 1; 1 where no limit is known. */
export function headroom(meters: readonly Meter[], now: Millis): number {
  let least = 1;
  for (const meter of meters) least = Math.min(least, shareLeft(meter, now));
  return least;
}
