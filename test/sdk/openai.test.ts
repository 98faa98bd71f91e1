import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { useStage } from '../client/stage.ts';
import { leasedProgram } from './support.ts';

const stage = useStage();

const PROMPT = 'word'.repeat(40);
const CHAT = { model: 'gpt-5', max_completion_tokens: 100, messages: [{ role: 'user' as const, content: PROMPT }] };
const RESPONSE = { model: 'gpt-5', max_output_tokens: 100, input: PROMPT };
const USAGE = { input_tokens: 40, output_tokens: 50 };
const ONE = { server: { leases_active: 0, reports: [{ key: 'k1', status: 200, in_progress: false, usage: USAGE }] } };
const STREAMED = { server: { leases_active: 0, reports: [{ in_progress: true }, { in_progress: false, usage: USAGE }] } };

async function sdk(script: object = {}) {
  const { fetch } = await leasedProgram(stage, { provider: 'openai' }, script);
  return new OpenAI({ apiKey: 'unused', baseURL: `${stage.provider}/v1`, fetch });
}

test('a chat completion is answered, and settled with its usage', async () => {
  const openai = await sdk();
  const completion = await openai.chat.completions.create(CHAT);
  expect(completion.choices[0]!.message.content).toBe('A stand-in speaks.');
  expect(await stage.departures(ONE)).toEqual([]);
});

test('a stream of a chat completion is settled with the usage of its last chunk', async () => {
  const openai = await sdk();
  let text = '';
  const chunks = await openai.chat.completions.create({ ...CHAT, stream: true, stream_options: { include_usage: true } });
  for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toBe('A stand-in speaks.');
  expect(await stage.departures(STREAMED)).toEqual([]);
});

test('a stream that tells no usage is settled with the estimate', async () => {
  const openai = await sdk();
  for await (const _ of await openai.chat.completions.create({ ...CHAT, stream: true }));
  const reports = [{ in_progress: true }, { in_progress: false, usage: null }];
  expect(await stage.departures({ server: { leases_active: 0, reports } })).toEqual([]);
});

test('a response is answered, and settled with its usage', async () => {
  const openai = await sdk();
  const response = await openai.responses.create(RESPONSE);
  expect(response.output_text).toBe('A stand-in speaks.');
  expect(await stage.departures(ONE)).toEqual([]);
});

test('a stream of a response is settled with the usage of response.completed', async () => {
  const openai = await sdk();
  const events: string[] = [];
  for await (const event of await openai.responses.create({ ...RESPONSE, stream: true })) events.push(event.type);
  expect(events.at(-1)).toBe('response.completed');
  expect(await stage.departures(STREAMED)).toEqual([]);
});

test('embeddings use no output', async () => {
  const openai = await sdk();
  await openai.embeddings.create({ model: 'text-embedding-3-small', input: [PROMPT, PROMPT] });
  const server = {
    ...{ leases_active: 0, acquires: [{ input_tokens: 80, output_tokens: 0 }] },
    reports: [{ usage: { input_tokens: 80, output_tokens: 0 } }],
  };
  expect(await stage.departures({ server })).toEqual([]);
});

test('a rate limit reaches no program while another key answers', async () => {
  const openai = await sdk({ answers: { k1: ['rate_limited'] } });
  const { response } = await openai.chat.completions.create(CHAT).withResponse();
  expect(response.headers.get('x-stand-in-key')).toBe('k2');
});
