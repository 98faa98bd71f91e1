import { expect, test } from 'vitest';
import { providerByName, providerNames } from '../../src/provider/index.ts';

const START = { requests: 'at_start', input_tokens: 'at_start', output_tokens: 'at_start', tokens: 'at_start' };
const SAFE = { requests: 'at_start', input_tokens: 'as_it_goes', output_tokens: 'as_it_goes', tokens: 'as_it_goes' };
const USAGE = { inputTokens: 1, outputTokens: 10, cacheReadInputTokens: 100, cacheCreationInputTokens: 1000 };

test.each([
  ['azure_openai', 'api-key', 's3cret', ''],
  ['gemini', 'x-goog-api-key', 's3cret', 'https://generativelanguage.googleapis.com/v1beta'],
  ['vertex', 'authorization', 'Bearer s3cret', ''],
  ['groq', 'authorization', 'Bearer s3cret', 'https://api.groq.com/openai/v1'],
  ['mistral', 'authorization', 'Bearer s3cret', 'https://api.mistral.ai/v1'],
  ['cohere', 'authorization', 'Bearer s3cret', 'https://api.cohere.com'],
  ['xai', 'authorization', 'Bearer s3cret', 'https://api.x.ai/v1'],
  ['deepseek', 'authorization', 'Bearer s3cret', 'https://api.deepseek.com'],
  ['openrouter', 'authorization', 'Bearer s3cret', 'https://openrouter.ai/api/v1'],
  ['together', 'authorization', 'Bearer s3cret', 'https://api.together.xyz/v1'],
  ['fireworks', 'authorization', 'Bearer s3cret', 'https://api.fireworks.ai/inference/v1'],
  ['cerebras', 'authorization', 'Bearer s3cret', 'https://api.cerebras.ai/v1'],
  ['perplexity', 'authorization', 'Bearer s3cret', 'https://api.perplexity.ai'],
  ['bedrock', 'authorization', 'Bearer s3cret', ''],
])('%s takes the secret in %s', (name, headerName, headerValue, baseUrl) => {
  expect(providerByName(name)!.credential('s3cret')).toEqual({ secret: 's3cret', headerName, headerValue, headers: {}, baseUrl });
});

test.each([
  ['azure_openai', START, 1101, true],
  ['gemini', SAFE, 1101, false],
  ['vertex', SAFE, 1101, false],
  ['groq', SAFE, 1001, false],
  ['mistral', SAFE, 1101, false],
  ['cohere', SAFE, 1101, false],
  ['xai', SAFE, 1101, false],
  ['deepseek', SAFE, 1101, false],
  ['openrouter', SAFE, 1101, false],
  ['together', SAFE, 1101, false],
  ['fireworks', SAFE, 1101, false],
  ['cerebras', START, 1101, false],
  ['perplexity', SAFE, 1101, false],
  ['bedrock', START, 1001, false],
])('%s counts as its documentation says, or else as is safe', (name, counting, inputTokens, failedTokensCount) => {
  const provider = providerByName(name)!;
  expect(provider.counting).toEqual(counting);
  expect(provider.counted(USAGE)).toEqual({ inputTokens, outputTokens: 10 });
  expect(provider.failedTokensCount).toBe(failedTokensCount);
});

test.each(providerNames)('%s says where its facts come from', (name) => {
  const facts = providerByName(name)!.sources!.map(({ fact }) => fact);
  expect(facts).not.toEqual([]);
  expect(new Set(facts).size).toBe(facts.length);
});

test.each(providerNames)('every header that %s lists is read', (name) => {
  const { limits, readHeaders } = providerByName(name)!;
  for (const row of limits!) {
    const headers = new Map([row.limit, row.remaining, row.reset ?? 'none'].map((header) => [header, '?']));
    const ignored = readHeaders(headers, 0).ignored.map((each) => each.name);
    expect(ignored).toEqual(expect.arrayContaining([...headers.keys()].filter((header) => header !== 'none')));
  }
});
