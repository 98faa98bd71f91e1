import { expect, test } from 'vitest';
import { demandOf } from '../../src/client/request.ts';

const MESSAGES = 'https://api.anthropic.com/v1/messages';
const CHAT = 'https://api.openai.com/v1/chat/completions';
const RESPONSES = 'https://api.openai.com/v1/responses';
const EMBEDDINGS = 'https://api.openai.com/v1/embeddings';
const GEMINI = 'https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:generateContent';

const user = (content: unknown) => [{ role: 'user', content }];
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(1_000_000) } };

test.each([
  [
    'a message',
    MESSAGES,
    { model: 'm', max_tokens: 100, system: 'word', messages: user('word'.repeat(9)) },
    { inputTokens: 10, outputTokens: 100 },
  ],
  ['a message in parts', MESSAGES, { model: 'm', messages: user([{ type: 'text', text: 'word'.repeat(10) }]) }, { inputTokens: 10 }],
  ['a picture is not counted by its bytes', MESSAGES, { model: 'm', messages: user([image]) }, { inputTokens: 1_500 }],
  [
    'a picture in a URL of data neither',
    CHAT,
    { model: 'm', messages: user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(99_999)}` } }]) },
    { inputTokens: 1_500 },
  ],
  ['a chat completion', CHAT, { model: 'm', max_completion_tokens: 50, messages: user('word') }, { inputTokens: 1, outputTokens: 50 }],
  ['several choices', CHAT, { model: 'm', max_tokens: 50, n: 3, messages: user('word') }, { inputTokens: 1, outputTokens: 150 }],
  [
    'a response',
    RESPONSES,
    { model: 'm', max_output_tokens: 70, input: 'word', instructions: 'word' },
    { inputTokens: 2, outputTokens: 70 },
  ],
  ['embeddings of texts', EMBEDDINGS, { model: 'm', input: ['word', 'word'] }, { inputTokens: 2, outputTokens: 0 }],
  ['embeddings of tokens', EMBEDDINGS, { model: 'm', input: [[1, 2, 3]] }, { inputTokens: 3, outputTokens: 0 }],
])('%s', (_name, url, body, demand) => {
  expect(demandOf(new URL(url), JSON.stringify(body))).toEqual({ model: 'm', ...demand });
});

test('the model may stand in the path', () => {
  const body = { contents: [{ role: 'user', parts: [{ text: 'word' }] }], generationConfig: { maxOutputTokens: 30 } };
  expect(demandOf(new URL(GEMINI), JSON.stringify(body))).toEqual({ model: 'gemini-3-pro', inputTokens: 1, outputTokens: 30 });
});

test.each([
  ['a form', new FormData()],
  ['a stream', new ReadableStream()],
  ['no body', undefined],
  ['a text that is no JSON', '{"model"'],
  ['a list', '[1]'],
])('%s tells nothing', (_name, body) => {
  expect(demandOf(new URL(MESSAGES), body)).toEqual({});
});

test('bytes are read as text', () => {
  expect(demandOf(new URL(MESSAGES), Buffer.from('{"model":"m"}'))).toEqual({ model: 'm' });
});
