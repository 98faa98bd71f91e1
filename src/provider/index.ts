import type { Provider } from '../pool/upstream.ts';
import { provider as anthropic } from './anthropic.ts';
import { provider as generic } from './generic.ts';
import { provider as openai } from './openai.ts';

const providers: ReadonlyMap<string, Provider> = new Map([anthropic, openai, generic].map((provider) => [provider.name, provider]));

/** The names that a configuration may give, in the order in which they are shown. */
export const providerNames: readonly string[] = [...providers.keys()];

/** Undefined: there is no provider of that name. */
export function providerByName(name: string): Provider | undefined {
  return providers.get(name);
}
