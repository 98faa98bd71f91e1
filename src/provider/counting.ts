import type { Counting, Dimension, Provider } from '../pool/upstream.ts';

/** The provider holds a request's whole allowance, `max_tokens` included, from the moment that it arrives. */
export const ALL_AT_START: Readonly<Record<Dimension, Counting>> = {
  requests: 'at_start',
  input_tokens: 'at_start',
  output_tokens: 'at_start',
  tokens: 'at_start',
};

/** Where it is not known when tokens are counted, the later moment is the safe one. */
export const TOKENS_AS_THEY_GO: Readonly<Record<Dimension, Counting>> = {
  requests: 'at_start',
  input_tokens: 'as_it_goes',
  output_tokens: 'as_it_goes',
  tokens: 'as_it_goes',
};

/** Caches make tokens cheaper, not fewer; where it is not known whether they count, they are taken to. */
export const everyToken: Provider['counted'] = (usage) => ({
  inputTokens: usage.inputTokens + usage.cacheReadInputTokens + usage.cacheCreationInputTokens,
  outputTokens: usage.outputTokens,
});

/** Reading a cache is free of limits; writing one is not. */
export const allButCacheReads: Provider['counted'] = (usage) => ({
  inputTokens: usage.inputTokens + usage.cacheCreationInputTokens,
  outputTokens: usage.outputTokens,
});
