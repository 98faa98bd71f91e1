import { describe, expect, test } from 'vitest';
import { watchFor } from '../../src/client/body-watch.ts';
import { usageOf } from '../../src/client/usage.ts';

test.each([
  [
    'a message of Anthropic counts what touched the cache apart',
    { usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 7 } },
    { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 100, cacheCreationInputTokens: 7 },
  ],
  [
    'a chat completion counts what was read from the cache as input',
    { usage: { prompt_tokens: 110, completion_tokens: 5, total_tokens: 115, prompt_tokens_details: { cached_tokens: 100 } } },
    { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 100 },
  ],
  [
    'a response does, too',
    { usage: { input_tokens: 110, output_tokens: 5, input_tokens_details: { cached_tokens: 100 } } },
    { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 100 },
  ],
  ['embeddings have no output', { usage: { prompt_tokens: 8, total_tokens: 8 } }, { inputTokens: 8, outputTokens: 0 }],
  [
    'Gemini counts thoughts as output',
    { usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 3, thoughtsTokenCount: 4, cachedContentTokenCount: 2 } },
    { inputTokens: 10, outputTokens: 7, cacheReadInputTokens: 2 },
  ],
  ['half of a usage is none', { usage: { output_tokens: 5 } }, undefined],
  ['what is no count is none', { usage: { input_tokens: -1, output_tokens: 1.5 } }, undefined],
  ['a usage that is null is none', { usage: null }, undefined],
  ['a text is none', 'usage', undefined],
])('%s', (_name, answer, usage) => {
  expect(usageOf(answer)).toEqual(usage);
});

const START = 'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}\n\n';
const DELTA = 'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":33}}\n\n';
const TEXT = 'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"the \\"usage\\" of ü"}}\n\n';

describe('a stream', () => {
  const told = (text: string, size = text.length) => {
    const watch = watchFor('text/event-stream; charset=utf-8');
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) watch.see(bytes.subarray(at, at + size));
    return watch.told(true);
  };

  test.each([1, 2, 3, 7, 64, 4096])('is read whatever its pieces: %i bytes', (size) => {
    expect(told(START + TEXT + DELTA, size)).toEqual({ usage: { inputTokens: 9, outputTokens: 33 } });
  });

  test.each([
    ['that ends before its usage tells none', START + TEXT, {}],
    ['may end its lines with a carriage return', (START + DELTA).replaceAll('\n', '\r\n'), { usage: { inputTokens: 9, outputTokens: 33 } }],
    ['of broken JSON tells nothing', 'data: {"usage":\n\ndata: "usage"\n\ndata: [DONE]\n\n', {}],
    [
      'that breaks off with an overload tells its status',
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
      { error: { status: 529, body: ' {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}' } },
    ],
    [
      'of a response that failed tells its status',
      'data: {"type":"response.failed","response":{"usage":null,"error":{"code":"rate_limit_exceeded","message":"slow"}}}\n\n',
      {
        error: {
          status: 429,
          body: ' {"type":"response.failed","response":{"usage":null,"error":{"code":"rate_limit_exceeded","message":"slow"}}}',
        },
      },
    ],
    [
      'whose line never ends is not kept',
      `data: ${'x'.repeat(3 * 1024 * 1024)}\n\n${START}${DELTA}`,
      { usage: { inputTokens: 9, outputTokens: 33 } },
    ],
  ])('%s', (_name, text, expected) => {
    expect(told(text, 1024 * 1024)).toEqual(expected);
  });
});

describe('a body of JSON', () => {
  test.each([
    [
      'that came whole tells its usage',
      '{"usage":{"input_tokens":1,"output_tokens":2}}',
      true,
      { usage: { inputTokens: 1, outputTokens: 2 } },
    ],
    ['that was cut tells nothing', '{"usage":{"input_tokens":1,"output_tokens":2}}', false, {}],
    ['that is none tells nothing', '<html>', true, {}],
    ['that is very long is not kept', `{"a":"${'x'.repeat(5 * 1024 * 1024)}","usage":{"input_tokens":1,"output_tokens":2}}`, true, {}],
  ])('%s', (_name, text, isWhole, expected) => {
    const watch = watchFor('application/json');
    watch.see(Buffer.from(text.slice(0, 9)));
    watch.see(Buffer.from(text.slice(9)));
    expect(watch.told(isWhole)).toEqual(expected);
  });
});
