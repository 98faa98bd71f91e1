import type { Millis } from '../pool/upstream.ts';
import { between, exponential, lognormal, type Random, seededRandom } from './random.ts';
import { type Call, type Load, type Spread, START } from './scenario.ts';

/** Calls of a burst arrive within this time. */
const BURST_MS = 100;

/** In the calmest hour of a day this share of the mean is asked, in the busiest one as much more. */
const DAY_SWING = 0.8;

/** Every call that clients want to make in a time, in the order of their arrival. */
export function callsOf(load: Load, durationMs: number, seed: number): readonly Call[] {
  const arrivals = arrivalsOf(load, durationMs, seededRandom(seed, 1));
  const random = seededRandom(seed, 2);
  const holderOf = holders(load, random);
  return arrivals.map((arrival, number) => callOf(load, number, arrival, holderOf(), random));
}

function arrivalsOf({ pattern, ratePerSecond, periodMs }: Load, durationMs: number, random: Random): readonly Millis[] {
  switch (pattern) {
    case 'poisson':
      return arrivalsAt(ratePerSecond, durationMs, random, () => 1);
    case 'day': {
      const busy = (ms: number) => (1 - DAY_SWING * Math.cos((2 * Math.PI * ms) / periodMs)) / (1 + DAY_SWING);
      return arrivalsAt(ratePerSecond * (1 + DAY_SWING), durationMs, random, busy);
    }
    case 'bursts': {
      const size = Math.round((ratePerSecond * periodMs) / 1_000);
      const bursts = Array.from({ length: Math.ceil(durationMs / periodMs) }, (_, place) => START + place * periodMs);
      return bursts.flatMap((start) => Array.from({ length: size }, () => start + Math.floor(BURST_MS * random())).sort((a, b) => a - b));
    }
    default:
      return pattern satisfies never;
  }
}

/** Independent arrivals at the highest rate, of which a share is kept that changes with time. */
function arrivalsAt(ratePerSecond: number, durationMs: number, random: Random, share: (ms: number) => number): readonly Millis[] {
  const arrivals: Millis[] = [];
  for (let ms = exponential(random, 1_000 / ratePerSecond); ms < durationMs; ms += exponential(random, 1_000 / ratePerSecond)) {
    if (random() < share(ms)) arrivals.push(START + Math.floor(ms));
  }
  return arrivals;
}

function holders({ holders: count, skew }: Load, random: Random): () => string {
  const weights = Array.from({ length: count }, (_, place) => (place + 1) ** -skew);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return () => {
    let left = random() * total;
    const place = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    return `holder-${(place < 0 ? count - 1 : place) + 1}`;
  };
}

function callOf(load: Load, number: number, arrival: Millis, holder: string, random: Random): Call {
  const { modelClass, estimateError, crashed, late, lateByMs, streamed } = load;
  const inputTokens = drawn(load.inputTokens, random);
  const outputTokens = drawn(load.outputTokens, random);
  const guess = (tokens: number) => Math.max(1, Math.round(tokens * between(random, 1 - estimateError, 1 + estimateError)));
  return {
    ...{ number, arrival, holder, modelClass, inputTokens, outputTokens },
    estimatedInput: guess(inputTokens),
    estimatedOutput: guess(outputTokens),
    lengthMs: drawn(load.lengthMs, random),
    crashes: random() < crashed,
    reportsLateByMs: random() < late ? lateByMs : 0,
    streams: random() < streamed,
  };
}

function drawn({ median, spread, least, most }: Spread, random: Random): number {
  return Math.round(Math.min(most, Math.max(least, lognormal(random, median, spread))));
}
