import { expect, test } from 'vitest';
import { providerByName, providerNames } from '../../src/provider/index.ts';

test('a provider is found by each of the names', () => {
  expect(providerNames).toEqual([
    ...['anthropic', 'openai', 'azure_openai', 'gemini', 'vertex', 'groq', 'mistral', 'cohere', 'xai', 'deepseek', 'openrouter'],
    ...['together', 'fireworks', 'cerebras', 'perplexity', 'bedrock', 'generic'],
  ]);
  expect(providerNames.map((name) => providerByName(name)?.name)).toEqual(providerNames);
});

test.each(['', 'Anthropic', 'constructor', '__proto__'])('there is no provider %j', (name) => {
  expect(providerByName(name)).toBeUndefined();
});

test.each(providerNames)('no pattern of %s remembers where it matched last', (name) => {
  const flags = providerByName(name)!.verdicts.map(({ match }) => match?.flags ?? '');
  expect(flags.join('')).not.toMatch(/[gy]/);
});
