/** Tokens that a call used. */
export interface Usage {
  /** Of the prompt, neither read from nor written to a cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadInputTokens?: number;
  readonly cacheCreationInputTokens?: number;
}

type Json = Readonly<Record<string, unknown>>;

const objectOf = (value: unknown): Json | null => (typeof value === 'object' && value !== null ? (value as Json) : null);
const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/** What is told of the usage in an answer or in one event of a stream, in the words of any provider known; a part may be missing. */
export function usageParts(answer: unknown): Partial<Usage> | null {
  const json = objectOf(answer);
  if (json === null) return null;
  const usage = objectOf(json.usage) ?? objectOf(objectOf(json.message)?.usage) ?? objectOf(objectOf(json.response)?.usage);
  if (usage !== null)
    return 'cache_read_input_tokens' in usage || 'cache_creation_input_tokens' in usage ? besideCache(usage) : withCache(usage);
  const google = objectOf(json.usageMetadata);
  return google && googleParts(google);
}

/** What the whole answer used; undefined: it does not say. */
export function usageOf(answer: unknown): Usage | undefined {
  return completed(usageParts(answer) ?? {});
}

/** Whole only where both directions are known; embeddings tell no output, for there is none. */
export function completed(parts: Partial<Usage>): Usage | undefined {
  const { inputTokens, outputTokens } = parts;
  return inputTokens === undefined || outputTokens === undefined ? undefined : { ...parts, inputTokens, outputTokens };
}

/** Anthropic counts what touched the cache apart. */
function besideCache(usage: Json): Partial<Usage> {
  return known({
    inputTokens: countOf(usage.input_tokens),
    outputTokens: countOf(usage.output_tokens),
    cacheReadInputTokens: countOf(usage.cache_read_input_tokens),
    cacheCreationInputTokens: countOf(usage.cache_creation_input_tokens),
  });
}

/** OpenAI counts what was read from the cache as input. */
function withCache(usage: Json): Partial<Usage> {
  const details = objectOf(usage.input_tokens_details) ?? objectOf(usage.prompt_tokens_details);
  const cached = countOf(details?.cached_tokens);
  const input = countOf(usage.input_tokens) ?? countOf(usage.prompt_tokens);
  const output = countOf(usage.output_tokens) ?? countOf(usage.completion_tokens);
  const onlyInput = output === undefined && input !== undefined && countOf(usage.total_tokens) === input;
  return known({
    inputTokens: input === undefined ? undefined : Math.max(0, input - (cached ?? 0)),
    outputTokens: onlyInput ? 0 : output,
    cacheReadInputTokens: cached,
  });
}

function googleParts(usage: Json): Partial<Usage> {
  const [prompt, cached] = [countOf(usage.promptTokenCount), countOf(usage.cachedContentTokenCount)];
  const [answer, thoughts] = [countOf(usage.candidatesTokenCount), countOf(usage.thoughtsTokenCount)];
  return known({
    inputTokens: prompt === undefined ? undefined : Math.max(0, prompt - (cached ?? 0)),
    outputTokens: answer === undefined && thoughts === undefined ? undefined : (answer ?? 0) + (thoughts ?? 0),
    cacheReadInputTokens: cached,
  });
}

function known(parts: { [K in keyof Usage]?: number | undefined }): Partial<Usage> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
