import type { Provider } from '../pool/upstream.ts';
import { provider as anthropic } from './anthropic.ts';
import { provider as azureOpenai } from './azure-openai.ts';
import { provider as bedrock } from './bedrock.ts';
import { provider as cerebras } from './cerebras.ts';
import { provider as cohere } from './cohere.ts';
import { provider as deepseek } from './deepseek.ts';
import { provider as fireworks } from './fireworks.ts';
import { provider as gemini } from './gemini.ts';
import { provider as generic } from './generic.ts';
import { provider as groq } from './groq.ts';
import { provider as mistral } from './mistral.ts';
import { provider as openai } from './openai.ts';
import { provider as openrouter } from './openrouter.ts';
import { provider as perplexity } from './perplexity.ts';
import { provider as together } from './together.ts';
import { provider as vertex } from './vertex.ts';
import { provider as xai } from './xai.ts';

const BUILT_IN: readonly Provider[] = [
  ...[anthropic, openai, azureOpenai, gemini, vertex, groq, mistral, cohere, xai, deepseek, openrouter],
  ...[together, fireworks, cerebras, perplexity, bedrock, generic],
];

const providers: ReadonlyMap<string, Provider> = new Map(BUILT_IN.map((provider) => [provider.name, provider]));

/** The names that a configuration may give, in the order in which they are shown. */
export const providerNames: readonly string[] = [...providers.keys()];

/** Undefined: there is no provider of that name. */
export function providerByName(name: string): Provider | undefined {
  return providers.get(name);
}
