import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { errorBody, watched } from '../../src/client/response.ts';

const EVENTS = { headers: { 'content-type': 'text/event-stream' } };
const DELTA = 'data: {"type":"message_delta","usage":{"input_tokens":9,"output_tokens":33}}\n\n';

/** A body that counts what was asked of it. */
function source(chunks: readonly string[], end: 'close' | 'break' = 'close') {
  const seen = { pulls: 0, cancelled: 0 };
  const left = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        seen.pulls += 1;
        const next = left.shift();
        if (next !== undefined) controller.enqueue(next);
        else if (end === 'close') controller.close();
        else controller.error(new Error('broken'));
      },
      cancel() {
        seen.cancelled += 1;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

test('a body is watched as it is read, and never ahead of its reader', async () => {
  const { body, seen } = source(['a', DELTA, 'b']);
  const onEnd = vi.fn();
  const response = watched(new Response(body, EVENTS), onEnd);
  const reader = response.body!.getReader();
  await nextTurn();
  expect(seen.pulls).toBe(0);
  await reader.read();
  await nextTurn();
  expect(seen.pulls).toBe(1);
  while (!(await reader.read()).done);
  expect(onEnd.mock.calls).toEqual([[{}]]);
});

test('what the program reads is what the provider sent', async () => {
  const onEnd = vi.fn();
  const response = watched(new Response(source(['ä', DELTA]).body, { ...EVENTS, status: 201, statusText: 'Made' }), onEnd);
  expect([response.status, response.statusText, response.headers.get('content-type')]).toEqual([201, 'Made', 'text/event-stream']);
  expect(await response.text()).toBe(`ä${DELTA}`);
});

test('a stream that ends tells its usage', async () => {
  const onEnd = vi.fn();
  await watched(new Response(source([DELTA]).body, EVENTS), onEnd).text();
  expect(onEnd.mock.calls).toEqual([[{ usage: { inputTokens: 9, outputTokens: 33 } }]]);
});

test('a reader that leaves cancels the call and ends the watch, once', async () => {
  const { body, seen } = source(['a', 'b']);
  const onEnd = vi.fn();
  const reader = watched(new Response(body, EVENTS), onEnd).body!.getReader();
  await reader.read();
  await reader.cancel();
  expect(onEnd).toHaveBeenCalledTimes(1);
  expect(seen.cancelled).toBe(1);
});

test('a stream that breaks breaks for the program, and ends the watch', async () => {
  const onEnd = vi.fn();
  await expect(watched(new Response(source(['a'], 'break').body, EVENTS), onEnd).text()).rejects.toThrow('broken');
  expect(onEnd).toHaveBeenCalledTimes(1);
});

test('a response without a body ends at once', () => {
  const onEnd = vi.fn();
  watched(new Response(null, { status: 204 }), onEnd);
  expect(onEnd).toHaveBeenCalledTimes(1);
});

test('the beginning of an error is read, and the program still reads all of it', async () => {
  const chunks = Array.from({ length: 10 }, (_, place) => String(place).repeat(4_096));
  const { body, seen } = source(chunks);
  const { text, response } = await errorBody(new Response(body, { status: 500 }));
  expect(text).toBe(chunks.join('').slice(0, 16_384));
  expect(seen.pulls).toBeLessThan(7);
  expect(await response.text()).toBe(chunks.join(''));
});

test('an error whose body breaks is told as far as it came, and breaks for the program', async () => {
  const { text, response } = await errorBody(new Response(source(['half'], 'break').body, { status: 500 }));
  expect(text).toBe('half');
  await expect(response.text()).rejects.toThrow('broken');
});
