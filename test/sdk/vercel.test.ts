import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, type LanguageModel, streamText } from 'ai';
import { describe, expect, test } from 'vitest';
import { useStage } from '../client/stage.ts';
import { leasedProgram } from './support.ts';

const stage = useStage();

const PROMPT = 'word'.repeat(40);
const USAGE = { input_tokens: 40, output_tokens: 50 };

type Fetch = typeof fetch;
const MODELS: { name: string; provider: string; model: (fetch: Fetch) => LanguageModel }[] = [
  {
    ...{ name: 'messages', provider: 'anthropic' },
    model: (fetch) => createAnthropic({ apiKey: 'unused', baseURL: `${stage.provider}/v1`, fetch })('claude-sonnet-5'),
  },
  {
    ...{ name: 'responses', provider: 'openai' },
    model: (fetch) => createOpenAI({ apiKey: 'unused', baseURL: `${stage.provider}/v1`, fetch })('gpt-5'),
  },
  {
    ...{ name: 'chat completions', provider: 'openai' },
    model: (fetch) => createOpenAI({ apiKey: 'unused', baseURL: `${stage.provider}/v1`, fetch }).chat('gpt-5'),
  },
];

describe.each(MODELS)('the AI SDK with $name', ({ provider, model }) => {
  test('an answer is settled with its usage', async () => {
    const { fetch } = await leasedProgram(stage, { provider });
    const { text } = await generateText({ model: model(fetch), prompt: PROMPT, maxOutputTokens: 100 });
    expect(text).toBe('A stand-in speaks.');
    expect(await stage.departures({ server: { leases_active: 0, reports: [{ status: 200, usage: USAGE }] } })).toEqual([]);
  });

  test('a stream is settled with its usage', async () => {
    const { fetch } = await leasedProgram(stage, { provider });
    const { textStream } = streamText({ model: model(fetch), prompt: PROMPT, maxOutputTokens: 100 });
    let text = '';
    for await (const part of textStream) text += part;
    expect(text).toBe('A stand-in speaks.');
    const reports = [{ in_progress: true }, { in_progress: false, usage: USAGE }];
    expect(await stage.departures({ server: { leases_active: 0, reports } })).toEqual([]);
  });
});
