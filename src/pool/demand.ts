import { amountOn } from './hold.ts';
import type { Demand, Meter, PoolState, UsageEstimate, WantedDemand } from './model.ts';
import type { Dimension, ModelClass } from './upstream.ts';

/** How much the newest call moves the estimate. */
const NEWEST_SHARE = 0.1;

/** The share of calls that are to stay within what is reserved: the rest is made up for by those that use less. */
const WITHIN = 0.8;

/** How far one call moves the factor, and where it ends. */
const PAD_STEP = 0.02;
const PAD_MAX = 2;

/** Calls after which the factor counts. */
const CALLS_MIN = 20;

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
 * The demand to reserve: the caller's estimates, and where there are none what leases of the class used lately, the mean plus the usual
 * distance from it; nothing while nothing is known. Where calls of the class use more than was reserved for them, more is.
 */
export function wantedDemand(asked: AskedDemand, state: PoolState, modelClass: ModelClass): WantedDemand {
  const usage = state.usage[modelClass];
  const guess = (mean = 0, spread = 0) => Math.ceil(mean + spread) * asked.requests;
  const atMost = (tokens: number) => Math.min(TOKENS_MAX, tokens);
  const padded = (tokens: number, pad = 1) => atMost(usage !== undefined && usage.calls >= CALLS_MIN ? Math.ceil(tokens * pad) : tokens);
  return {
    requests: asked.requests,
    inputTokens: padded(asked.inputTokens ?? guess(usage?.inputMean, usage?.inputSpread), usage?.inputPad),
    outputTokens: padded(asked.outputTokens ?? guess(usage?.outputMean, usage?.outputSpread), usage?.outputPad),
    leastInputTokens: atMost(asked.inputTokens ?? 0),
    leastOutputTokens: atMost(asked.outputTokens ?? 0),
    inputGuessed: asked.inputTokens === null,
    outputGuessed: asked.outputTokens === null,
  };
}

/** The demand on one key: a guess is cut to the whole tokens of its limits, for a guess must not be what makes a call impossible. */
export function demandOn(wanted: WantedDemand, meters: readonly Meter[]): Demand {
  let { inputTokens, outputTokens } = wanted;
  const { leastInputTokens, leastOutputTokens } = wanted;
  if (inputTokens === leastInputTokens && outputTokens === leastOutputTokens) return wanted;
  const cut = (tokens: number, least: number, limit: number) => Math.max(least, Math.min(tokens, limit));
  for (const meter of meters) {
    const limit = Math.floor(meter.limit);
    if (meter.dimension === 'input_tokens') inputTokens = cut(inputTokens, leastInputTokens, limit);
    if (meter.dimension === 'output_tokens') outputTokens = cut(outputTokens, leastOutputTokens, limit);
    if (meter.dimension !== 'tokens') continue;
    outputTokens = cut(outputTokens, leastOutputTokens, limit - inputTokens);
    inputTokens = cut(inputTokens, leastInputTokens, limit - outputTokens);
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

type Tokens = Pick<Demand, 'inputTokens' | 'outputTokens'>;

/** The pool after one more call told what it used, and what was held for it. */
export function learnUsage(state: PoolState, modelClass: ModelClass, used: Tokens, held: Tokens): PoolState {
  const known = state.usage[modelClass];
  if (known === undefined && Object.keys(state.usage).length >= CLASSES_MAX) return state;
  return { ...state, usage: { ...state.usage, [modelClass]: moved(known, used, held) } };
}

function moved(known: UsageEstimate | undefined, used: Tokens, held: Tokens): UsageEstimate {
  if (known === undefined) {
    const mean = { inputMean: used.inputTokens, inputSpread: 0, outputMean: used.outputTokens, outputSpread: 0 };
    return { ...mean, calls: 1, inputPad: 1, outputPad: 1 };
  }
  const towards = (old: number, newest: number) => old + (newest - old) * NEWEST_SHARE;
  return {
    inputMean: towards(known.inputMean, used.inputTokens),
    inputSpread: towards(known.inputSpread, Math.abs(used.inputTokens - known.inputMean)),
    outputMean: towards(known.outputMean, used.outputTokens),
    outputSpread: towards(known.outputSpread, Math.abs(used.outputTokens - known.outputMean)),
    calls: Math.min(CALLS_MIN, known.calls + 1),
    inputPad: movedPad(known.inputPad, used.inputTokens, held.inputTokens),
    outputPad: movedPad(known.outputPad, used.outputTokens, held.outputTokens),
  };
}

/** Rests where WITHIN of the calls stay within what was held for them. */
function movedPad(pad: number, used: number, held: number): number {
  if (held === 0) return pad;
  const step = used > held ? WITHIN : WITHIN - 1;
  return Math.min(PAD_MAX, Math.max(1, pad + PAD_STEP * step));
}
