import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Allowance, admit, type Limits, openAllowance, rateLimitHeaders, writeOutput } from './allowance.ts';

interface StandInKey {
  readonly secret: string;
  readonly organization: string;
}

export interface StandInOptions {
  readonly keys: readonly StandInKey[];
  /** Of every organization, a minute. */
  readonly limits: Limits;
  /** How full the buckets are at the start, 0 to 1; left out: full. */
  readonly fill?: number;
  /** How long an answer takes; left out: no time. */
  readonly latencyMs?: (outputTokens: number) => number;
  /** Which share of max_tokens an answer uses, 0 to 1; left out: all of it. */
  readonly share?: () => number;
  /** Milliseconds since the epoch; left out: the clock of this machine. */
  readonly now?: () => number;
}

/** What was answered so far. */
export interface StandInStats {
  readonly calls: number;
  /** Answers by HTTP status. */
  readonly byStatus: Readonly<Record<number, number>>;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface StandInProvider {
  readonly url: string;
  stats(): StandInStats;
  /** From now on the secret is unknown. */
  revoke(secret: string): void;
  /** From now on and for so long every call is answered 529. */
  overload(forMs: number): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A question as it was asked: four characters of the prompt are a token. */
interface Question {
  readonly secret: string;
  readonly inputTokens: number;
  readonly maxTokens: number;
}

/**
 * Starts a stand-in for an Anthropic-like provider on a free loopback port. `POST /v1/messages` draws on true token buckets, one
 * set an organization, and answers 200, 400, 401, 404, 429 or 529 with the headers that the real one sends.
 */
export async function startStandInProvider(options: StandInOptions): Promise<StandInProvider> {
  const messages = createMessages(options);
  const byStatus: Record<number, number> = {};
  let calls = 0;
  const server = createServer((request, response) => {
    answer(request, messages.answer).then(
      (answered) => {
        calls += 1;
        byStatus[answered.status] = (byStatus[answered.status] ?? 0) + 1;
        send(response, answered);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stats: () => ({ calls, byStatus: { ...byStatus }, ...messages.used() }),
    revoke: messages.revoke,
    overload: messages.overload,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function createMessages({ keys, limits, fill = 1, latencyMs = () => 0, share = () => 1, now = Date.now }: StandInOptions) {
  const started = now();
  const organizations = new Map(keys.map(({ secret, organization }) => [secret, organization]));
  const allowances = new Map<string, Allowance>(keys.map(({ organization }) => [organization, openAllowance(limits, fill, started)]));
  const used = { inputTokens: 0, outputTokens: 0 };
  let overloadedUntil = started;

  async function answerMessages({ secret, inputTokens, maxTokens }: Question): Promise<Answer> {
    const start = now();
    const organization = organizations.get(secret);
    if (organization === undefined) return refuse(401, 'authentication_error', 'invalid x-api-key', { 'x-should-retry': 'false' });
    if (start < overloadedUntil) return refuse(529, 'overloaded_error', 'Overloaded', { 'x-should-retry': 'true' });
    const headersNow = (at: number) => ({
      'anthropic-organization-id': organization,
      ...rateLimitHeaders(allowances.get(organization)!, start, at),
    });
    const admission = admit(allowances.get(organization)!, inputTokens, start);
    if (!admission.admitted) {
      const retryAfter = String(Math.max(1, Math.ceil(Math.min(admission.retryAfterMs, 86_400_000) / 1_000)));
      const message = `This request would exceed the rate limit for your organization (${organization}): ${admission.limited} per minute`;
      return refuse(429, 'rate_limit_error', message, { ...headersNow(start), 'retry-after': retryAfter, 'x-should-retry': 'true' });
    }
    allowances.set(organization, admission.allowance);
    const outputTokens = Math.max(1, Math.round(maxTokens * share()));
    await sleep(latencyMs(outputTokens));
    allowances.set(organization, writeOutput(allowances.get(organization)!, outputTokens, now()));
    used.inputTokens += inputTokens;
    used.outputTokens += outputTokens;
    const usage = { input_tokens: inputTokens, output_tokens: outputTokens };
    return {
      status: 200,
      headers: headersNow(now()),
      body: { type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn', usage },
    };
  }

  return {
    answer: answerMessages,
    used: () => ({ ...used }),
    revoke: (secret: string) => void organizations.delete(secret),
    overload(forMs: number) {
      overloadedUntil = now() + forMs;
    },
  };
}

async function answer(request: IncomingMessage, answerMessages: (question: Question) => Promise<Answer>): Promise<Answer> {
  if (request.method !== 'POST' || request.url !== '/v1/messages') return refuse(404, 'not_found_error', 'Not found', {});
  const question = readQuestion(String(request.headers['x-api-key'] ?? ''), await text(request));
  return question
    ? answerMessages(question)
    : refuse(400, 'invalid_request_error', 'max_tokens and messages are required', { 'x-should-retry': 'false' });
}

function readQuestion(secret: string, body: string): Question | null {
  try {
    const { max_tokens: maxTokens, messages } = JSON.parse(body);
    if (!Number.isSafeInteger(maxTokens) || maxTokens < 1 || !Array.isArray(messages)) return null;
    const characters = messages.reduce((sum: number, message: { content: string }) => sum + message.content.length, 0);
    return { secret, maxTokens, inputTokens: Math.max(1, Math.ceil(characters / 4)) };
  } catch {
    return null;
  }
}

function refuse(status: number, type: string, message: string, headers: Readonly<Record<string, string>>): Answer {
  return { status, headers, body: { type: 'error', error: { type, message } } };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': `req_${randomUUID()}`, ...headers });
  response.end(JSON.stringify(body));
}
