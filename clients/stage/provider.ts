import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { DIALECTS, type Dialect } from './dialects.ts';
import { openLimits, type Ruling, type StageLimits } from './limits.ts';

/** What the provider is to do from now on. */
export interface Script {
  /** What each key answers first, one a request. */
  readonly answers?: Readonly<Record<string, readonly string[]>>;
  readonly limits?: StageLimits | null;
  readonly latency_ms?: number;
}

interface Seen {
  readonly key: string;
  readonly path: string;
  status: number;
  end: 'open' | 'completed' | 'aborted' | 'broken';
}

interface Asked {
  readonly dialect: Dialect;
  readonly path: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly told: { readonly model: string; readonly inputTokens: number; readonly outputTokens: number; readonly usageInStream: boolean };
  readonly seen: Seen;
  /** What the buckets said; null: there are none. */
  readonly limited: Ruling | null;
}

const ERRORS: Readonly<Record<string, { status: number; type: string; message: string; headers?: Record<string, string> }>> = {
  bad_request: { status: 400, type: 'invalid_request_error', message: 'messages: at least one message is required' },
  invalid_credential: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
  rate_limited: {
    status: 429,
    type: 'rate_limit_error',
    message: 'This request would exceed the rate limit',
    headers: { 'retry-after': '30' },
  },
  server_error: { status: 500, type: 'api_error', message: 'Internal server error' },
  overloaded: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
};

const CHARACTERS_IN_TOKEN = 4;
/** Where a request does not say. */
const MAX_TOKENS = 64;

/** A stand-in for the providers on a free loopback port, and another host to which it redirects. */
export async function startProvider() {
  let script: Script = {};
  let limits: ReturnType<typeof openLimits> | null = null;
  let left = new Map<string, string[]>();
  let requests: Seen[] = [];
  let elsewhereSaw: string[] = [];
  const held = new Set<() => void>();

  const provider = await listen((request, response) => void answer(request, response).catch(() => response.destroy()));
  const elsewhere = await listen((request, response) => {
    elsewhereSaw.push(keyOf(request));
    response.writeHead(404).end();
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen: Seen = { key: keyOf(request), path: request.url!.split('?')[0]!, status: 0, end: 'open' };
    requests.push(seen);
    response.once('close', () => {
      if (seen.end === 'open') seen.end = response.writableFinished ? 'completed' : 'aborted';
    });
    const body = await text(request);
    response.setHeader('x-stand-in-key', seen.key);
    response.setHeader('request-id', 'req_stand_in');
    const dialect = DIALECTS.get(seen.path);
    if (dialect === undefined || request.method !== 'POST')
      return json(response, seen, 404, { error: { message: `no ${seen.path} here` } });
    await play(left.get(seen.key)?.shift() ?? 'ok', asked(dialect, seen, body), response);
  }

  function asked(dialect: Dialect, seen: Seen, body: string): Asked {
    const request = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const inputTokens = Math.max(1, Math.ceil(charactersIn(request.messages ?? request.input) / CHARACTERS_IN_TOKEN));
    const maxTokens = dialect.maxTokens(request) ?? MAX_TOKENS;
    const usageInStream = (request.stream_options as { include_usage?: boolean } | undefined)?.include_usage === true;
    const told = { model: String(request.model), inputTokens, outputTokens: Math.ceil(maxTokens / 2), usageInStream };
    return {
      dialect,
      path: seen.path,
      request,
      told,
      seen,
      limited: limits?.(seen.key, seen.path !== '/v1/messages', inputTokens, maxTokens) ?? null,
    };
  }

  async function play(what: string, { dialect, path, request, told, seen, limited }: Asked, response: ServerResponse): Promise<void> {
    if (what === 'no_response') return breakOff(response, seen);
    if (what === 'redirect') {
      response.setHeader('location', `${elsewhere.url}${path}`);
      return json(response, seen, 307, {});
    }
    const error = ERRORS[what];
    if (error !== undefined) return json(response, seen, error.status, dialect.error(error.type, error.message), error.headers);
    if (seen.key === 'none') return json(response, seen, 401, dialect.error('authentication_error', 'no credential'));
    if (limited?.admission.admitted === false) {
      const retryAfter = Math.max(1, Math.ceil(limited.admission.retryAfterMs / 1_000));
      const headers = { ...limited.headers(), 'retry-after': String(retryAfter) };
      return json(response, seen, 429, dialect.error('rate_limit_error', `${limited.admission.limited} exhausted`), headers);
    }
    if (request.stream !== true && what === 'held') await holding();
    await sleep(script.latency_ms ?? 0);
    if (request.stream === true) return stream(what, dialect.events(told), { seen, limited, outputTokens: told.outputTokens }, response);
    limited?.wrote(told.outputTokens);
    json(response, seen, 200, dialect.body(told), limited?.headers());
  }

  async function stream(
    what: string,
    [first, ...rest]: readonly string[],
    { seen, limited, outputTokens }: { seen: Seen; limited: Ruling | null; outputTokens: number },
    response: ServerResponse,
  ): Promise<void> {
    seen.status = 200;
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...limited?.headers() });
    response.write(first);
    if (what === 'held') await holding();
    // The first event has to leave before the connection breaks.
    if (what === 'cut') await sleep(50);
    if (what === 'cut') return breakOff(response, seen);
    limited?.wrote(outputTokens);
    response.end(rest.join(''));
  }

  function holding(): Promise<void> {
    return new Promise((resolve) => held.add(resolve));
  }

  function release(): void {
    for (const go of held) go();
    held.clear();
  }

  return {
    url: provider.url,
    elsewhereUrl: elsewhere.url,
    release,
    reset(next: Script): void {
      release();
      script = next;
      limits = next.limits ? openLimits(next.limits) : null;
      left = new Map(Object.entries(next.answers ?? {}).map(([key, answers]) => [key, [...answers]]));
      [requests, elsewhereSaw] = [[], []];
    },
    state: () => ({
      provider: { requests },
      elsewhere: { requests: elsewhereSaw.length, credentials: elsewhereSaw.filter((key) => key !== 'none') },
    }),
    close(): void {
      for (const { server } of [provider, elsewhere]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ server: Server; url: string }> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** The name of the key whose secret the request carries, in whichever header. */
function keyOf({ headers }: IncomingMessage): string {
  const secret = String(headers['x-api-key'] ?? headers.authorization ?? '').replace(/^Bearer /, '');
  return secret === '' ? 'none' : secret.replace(/^secret-of-/, '');
}

/** In every text of the prompt, at whatever depth. */
function charactersIn(prompt: unknown): number {
  if (typeof prompt === 'string') return prompt.length;
  if (Array.isArray(prompt)) return prompt.reduce<number>((sum, part) => sum + charactersIn(part), 0);
  if (typeof prompt !== 'object' || prompt === null) return 0;
  const { content, text } = prompt as { content?: unknown; text?: unknown };
  return charactersIn(content) + charactersIn(text);
}

function json(response: ServerResponse, seen: Seen, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  seen.status = status;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function breakOff(response: ServerResponse, seen: Seen): void {
  seen.end = 'broken';
  response.destroy();
}
