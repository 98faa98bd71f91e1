import { roomAt } from './meter.ts';
import type { Meter } from './model.ts';
import type { Millis } from './upstream.ts';

/** What is left of a limit after reservations, 0 to 1. */
function shareLeft(meter: Meter, now: Millis): number {
  return Math.min(1, Math.max(0, roomAt(meter, now) / meter.limit));
}

/** The tightest limit of one dimension seen so far. */
interface Tightest {
  share: number;
  limit: number;
}

/**
 * (request score + token score) / 2, 0 to 1. The token score is (input left + output left) / (input limit + output limit), or that of
 * the sum where a provider limits the sum and it is tighter. Of several windows the tightest counts; an unknown limit scores 1.
 */
export function capacityScore(meters: readonly Meter[], now: Millis): number {
  const tightest = {
    requests: { share: 1, limit: 0 },
    input_tokens: { share: 1, limit: 0 },
    output_tokens: { share: 1, limit: 0 },
    tokens: { share: 1, limit: 0 },
  } satisfies Record<Meter['dimension'], Tightest>;
  for (const meter of meters) {
    if (meter.limit === 0) continue;
    const known = tightest[meter.dimension];
    const share = shareLeft(meter, now);
    if (known.limit !== 0 && share >= known.share) continue;
    known.share = share;
    known.limit = meter.limit;
  }
  const { requests, input_tokens: input, output_tokens: output, tokens } = tightest;
  const limit = input.limit + output.limit;
  const tokenScore = limit === 0 ? 1 : (input.share * input.limit + output.share * output.limit) / limit;
  return (requests.share + Math.min(tokens.share, tokenScore)) / 2;
}

/** What is left of the scarcest limit, 0 to 1; 1 where no limit is known. */
export function headroom(meters: readonly Meter[], now: Millis): number {
  let least = 1;
  for (const meter of meters) least = Math.min(least, shareLeft(meter, now));
  return least;
}
