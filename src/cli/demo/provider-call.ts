import type { Question } from './load.ts';

/** What the provider answered to one call; times in milliseconds since the epoch. */
export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty where the call went well. */
  readonly errorBody: string;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
  readonly requestTime: number;
  readonly responseTime: number;
}

/** Asks the provider one question with the credential's headers. */
export async function callProvider(url: string, credential: Readonly<Record<string, string>>, question: Question): Promise<ProviderAnswer> {
  const requestTime = Date.now();
  const response = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { ...credential, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'claude-sonnet-5',
      max_tokens: question.maxTokens,
      messages: [{ role: 'user', content: 'word'.repeat(question.inputTokens) }],
    }),
  });
  const responseTime = Date.now();
  const body = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    errorBody: response.ok ? '' : body,
    usage: response.ok ? readUsage(body) : null,
    requestTime,
    responseTime,
  };
}

function readUsage(body: string): ProviderAnswer['usage'] {
  const { usage } = JSON.parse(body);
  return { inputTokens: usage.input_tokens, outputTokens: usage.output_tokens };
}
