import { amountOn } from './hold.ts';
import type { Demand, Meter, PoolState, UsageEstimate, WantedDemand } from './model.ts';
import type { Dimension, ModelClass } from './upstream.ts';

/** How much the newest call moves the estimate. */
const NEWEST_SHARE = 0.1;

/** More than any call takes. With it the sums of thousands of leases are exact. */
const TOKENS_MAX = 2 ** 40;

/** Model classes whose usage is remembered in one pool. */
const CLASSES_MAX = 64;

/** What a caller asked for; null: no estimate given. */
export interface AskedDemand {
  readonly requests: number;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

/**
 * The demand to reserve: the caller's estimates, and where there are none what leases of the class used lately, the mean
 * plus the usual distance from it; nothing while nothing is known.
 */
export function wantedDemand(asked: AskedDemand, state: PoolState, modelClass: ModelClass): WantedDemand {
  const usage = state.usage[modelClass];
  const guess = (mean = 0, spread = 0) => Math.ceil(mean + spread) * asked.requests;
  const atMost = (tokens: number) => Math.min(TOKENS_MAX, tokens);
  return {
    requests: asked.requests,
    inputTokens: atMost(asked.inputTokens ?? guess(usage?.inputMean, usage?.inputSpread)),
    outputTokens: atMost(asked.outputTokens ?? guess(usage?.outputMean, usage?.outputSpread)),
    inputGuessed: asked.inputTokens === null,
    outputGuessed: asked.outputTokens === null,
  };
}

/** The demand on one key: a guess is cut to the whole tokens of its limits, for a guess must not be what makes a call impossible. */
export function demandOn(wanted: WantedDemand, meters: readonly Meter[]): Demand {
  let { inputTokens, outputTokens } = wanted;
  if (!(wanted.inputGuessed || wanted.outputGuessed)) return wanted;
  for (const meter of meters) {
    const limit = Math.floor(meter.limit);
    if (meter.dimension === 'input_tokens' && wanted.inputGuessed) inputTokens = Math.min(inputTokens, limit);
    if (meter.dimension === 'output_tokens' && wanted.outputGuessed) outputTokens = Math.min(outputTokens, limit);
    if (meter.dimension !== 'tokens') continue;
    if (wanted.outputGuessed) outputTokens = Math.min(outputTokens, Math.max(0, limit - inputTokens));
    if (wanted.inputGuessed) inputTokens = Math.min(inputTokens, Math.max(0, limit - outputTokens));
  }
  return { requests: wanted.requests, inputTokens, outputTokens };
}

/** What a dimension must have left for a demand. Where the caller gave no estimate at least one: an empty limit has no room for a guess. */
export function neededOn(dimension: Dimension, demand: Demand, wanted: WantedDemand): number {
  const guessed =
    (wanted.inputGuessed && (dimension === 'input_tokens' || dimension === 'tokens')) ||
    (wanted.outputGuessed && (dimension === 'output_tokens' || dimension === 'tokens'));
  return Math.max(guessed ? 1 : 0, amountOn(dimension, demand));
}

/** The pool after one more call told what it used. */
export function learnUsage(state: PoolState, modelClass: ModelClass, used: { inputTokens: number; outputTokens: number }): PoolState {
  const known = state.usage[modelClass];
  if (known === undefined && Object.keys(state.usage).length >= CLASSES_MAX) return state;
  return { ...state, usage: { ...state.usage, [modelClass]: moved(known, used) } };
}

function moved(known: UsageEstimate | undefined, used: { inputTokens: number; outputTokens: number }): UsageEstimate {
  if (known === undefined) return { inputMean: used.inputTokens, inputSpread: 0, outputMean: used.outputTokens, outputSpread: 0 };
  const towards = (old: number, newest: number) => old + (newest - old) * NEWEST_SHARE;
  return {
    inputMean: towards(known.inputMean, used.inputTokens),
    inputSpread: towards(known.inputSpread, Math.abs(used.inputTokens - known.inputMean)),
    outputMean: towards(known.outputMean, used.outputTokens),
    outputSpread: towards(known.outputSpread, Math.abs(used.outputTokens - known.outputMean)),
  };
}
