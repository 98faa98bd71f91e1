/** What an answer tells, whatever the dialect. */
interface Answered {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Whether a stream of chat completions ends with its usage. */
  readonly usageInStream: boolean;
}

/** How one API of a provider is spoken. */
export interface Dialect {
  /** What the request allows the answer to use; null: it does not say. */
  maxTokens(request: Readonly<Record<string, unknown>>): number | null;
  body(told: Answered): unknown;
  /** A stream, event by event. */
  events(told: Answered): readonly string[];
  error(type: string, message: string): unknown;
}

const TEXT = 'A stand-in speaks.';
const CREATED = 1_760_000_000;

const numberOr = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const named = (event: { readonly type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const unnamed = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;

const messages: Dialect = {
  maxTokens: (request) => numberOr(request.max_tokens),
  body: (told) => ({ ...message(told), content: [{ type: 'text', text: TEXT }], stop_reason: 'end_turn', usage: usageOf(told) }),
  events: (told) => {
    const usage = { ...usageOf(told), output_tokens: 1 };
    return [
      named({ type: 'message_start', message: { ...message(told), content: [], stop_reason: null, usage } } as { type: string }),
      named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as { type: string }),
      named({ type: 'ping' }),
      named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: TEXT } } as { type: string }),
      named({ type: 'content_block_stop', index: 0 } as { type: string }),
      named({
        ...{ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null } },
        ...{ usage: { output_tokens: told.outputTokens } },
      }),
      named({ type: 'message_stop' }),
    ];
  },
  error: (type, text) => ({ type: 'error', error: { type, message: text } }),
};

function message({ model }: Answered) {
  return { id: 'msg_stand_in', type: 'message', role: 'assistant', model, stop_sequence: null };
}

function usageOf({ inputTokens, outputTokens }: Answered) {
  return { input_tokens: inputTokens, output_tokens: outputTokens, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
}

const chat: Dialect = {
  maxTokens: (request) => numberOr(request.max_completion_tokens) ?? numberOr(request.max_tokens),
  body: (told) => ({
    ...completion(told, 'chat.completion'),
    choices: [{ index: 0, message: { role: 'assistant', content: TEXT, refusal: null }, finish_reason: 'stop', logprobs: null }],
    usage: chatUsage(told),
  }),
  events: (told) => {
    const chunk = (delta: unknown, finish: string | null) =>
      unnamed({ ...completion(told, 'chat.completion.chunk'), choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }] });
    const usage = unnamed({ ...completion(told, 'chat.completion.chunk'), choices: [], usage: chatUsage(told) });
    return [
      chunk({ role: 'assistant', content: '' }, null),
      chunk({ content: TEXT }, null),
      chunk({}, 'stop'),
      ...(told.usageInStream ? [usage] : []),
      'data: [DONE]\n\n',
    ];
  },
  error: openaiError,
};

function completion({ model }: Answered, object: string) {
  return { id: 'chatcmpl-stand-in', object, created: CREATED, model, system_fingerprint: null };
}

function chatUsage({ inputTokens, outputTokens }: Answered) {
  return {
    ...{ prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
    ...{ prompt_tokens_details: { cached_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 } },
  };
}

function openaiError(type: string, text: string) {
  return { error: { message: text, type, param: null, code: type } };
}

const PART = { type: 'output_text', text: TEXT, annotations: [], logprobs: [] };
const PLACE = { item_id: 'msg_stand_in', output_index: 0, content_index: 0 };
const itemOf = (status: string, content: readonly unknown[]) => ({
  id: 'msg_stand_in',
  type: 'message',
  role: 'assistant',
  status,
  content,
});

const responses: Dialect = {
  maxTokens: (request) => numberOr(request.max_output_tokens),
  body: (told) => response(told, 'completed'),
  events: (told) => {
    const events: ({ type: string } & Record<string, unknown>)[] = [
      { type: 'response.created', response: response(told, 'in_progress') },
      { type: 'response.output_item.added', output_index: 0, item: itemOf('in_progress', []) },
      { type: 'response.content_part.added', ...PLACE, part: { ...PART, text: '' } },
      { type: 'response.output_text.delta', ...PLACE, delta: TEXT, logprobs: [] },
      { type: 'response.output_text.done', ...PLACE, text: TEXT, logprobs: [] },
      { type: 'response.content_part.done', ...PLACE, part: PART },
      { type: 'response.output_item.done', output_index: 0, item: itemOf('completed', [PART]) },
      { type: 'response.completed', response: response(told, 'completed') },
    ];
    return events.map((event, place) => named({ ...event, sequence_number: place } as { type: string }));
  },
  error: openaiError,
};

function response({ model, inputTokens, outputTokens }: Answered, status: 'completed' | 'in_progress') {
  const usage = {
    ...{ input_tokens: inputTokens, input_tokens_details: { cached_tokens: 0 } },
    ...{ output_tokens: outputTokens, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: inputTokens + outputTokens },
  };
  return {
    ...{ id: 'resp_stand_in', object: 'response', created_at: CREATED, status, model, error: null, incomplete_details: null },
    ...{ instructions: null, metadata: {}, parallel_tool_calls: true, temperature: 1, tool_choice: 'auto', tools: [], top_p: 1 },
    output: status === 'completed' ? [itemOf('completed', [PART])] : [],
    usage: status === 'completed' ? usage : null,
  };
}

const embeddings: Dialect = {
  maxTokens: () => 0,
  body: ({ model, inputTokens }) => ({
    ...{ object: 'list', model, data: [{ object: 'embedding', index: 0, embedding: [0, 1] }] },
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  }),
  events: () => [],
  error: openaiError,
};

/** By path. */
export const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['/v1/messages', messages],
  ['/v1/chat/completions', chat],
  ['/v1/responses', responses],
  ['/v1/embeddings', embeddings],
]);
