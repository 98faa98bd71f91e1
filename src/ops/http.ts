import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { CannotListen } from '../config/cannot-listen.ts';
import type { Live } from './dashboard/live.ts';
import type { Page } from './dashboard/page.ts';
import { denied, type GuardOptions } from './guard.ts';
import type { Metrics } from './metrics/metrics.ts';

export interface OpsOptions extends GuardOptions {
  /** Whether calls can be answered now. */
  readonly isReady: () => boolean;
  /** How many pools learn which grants the store has forgotten, and grant nothing meanwhile. */
  readonly learning: () => number;
  readonly metrics: Pick<Metrics, 'scrape' | 'contentType'>;
  readonly page: Page;
  readonly live: Live;
  readonly log: Logger;
}

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers, or writes the response itself. */
type Handle = (request: IncomingMessage, response: ServerResponse) => Answer | undefined | Promise<Answer | undefined>;

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

/** Of every response: nothing is kept, framed, guessed at or told to others. */
const ALWAYS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const CONNECTIONS_MAX = 256;
const REQUEST_MS_MAX = 10_000;

/**
 * The operations listener: `/healthz` says that the process lives, `/readyz` whether it can answer calls; `/metrics` and the dashboard,
 * `/`, are for those who may look.
 */
export class OpsServer {
  readonly #server: Server;

  constructor(options: OpsOptions) {
    const { metrics, page, live, log } = options;
    const forThoseWhoMay = (handle: Handle): Handle => {
      return (request, response) => {
        const why = denied(request, options);
        return why === undefined ? handle(request, response) : { code: why.code, body: why.text, headers: why.headers };
      };
    };
    const routes = new Map<string, Handle>([
      ['/healthz', () => ({ code: 200, body: 'ok' })],
      ['/readyz', () => readiness(options)],
      [
        '/metrics',
        forThoseWhoMay(async () => ({ code: 200, body: await metrics.scrape(), headers: { 'content-type': metrics.contentType } })),
      ],
      ['/', forThoseWhoMay(() => ({ code: 200, body: page.html, headers: page.headers }))],
      ['/events', forThoseWhoMay((request, response) => live.open(request, response))],
    ]);
    this.#server = createServer({ requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }, (request, response) => {
      void answerTo(request, response, routes)
        .catch((err: unknown) => {
          log.error({ err }, 'fault in the operations page');
          return { code: 500, body: 'internal error' };
        })
        .then((answer) => answer !== undefined && send(response, answer));
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Answers the address as bound. */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(new CannotListen(`cannot listen on ${host}:${port}: ${error.message}`)));
      this.#server.listen(port, host, resolve);
    });
    return `${host.includes(':') ? `[${host}]` : host}:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A server that learns is ready: calls are answered, and those that wait are granted as soon as they may be. The probes name no pool. */
function readiness({ isReady, learning }: OpsOptions): Answer {
  if (!isReady()) return { code: 503, body: 'not ready' };
  const count = learning();
  return { code: 200, body: count === 0 ? 'ok' : `ok\nlearning, nothing granted yet: ${count} ${count === 1 ? 'pool' : 'pools'}` };
}

async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  routes: ReadonlyMap<string, Handle>,
): Promise<Answer | undefined> {
  const handle = routes.get(request.url?.split('?', 1)[0] ?? '');
  if (handle === undefined) return { code: 404, body: `not found: try ${[...routes.keys()].join(', ')}` };
  if (request.method !== 'GET' && request.method !== 'HEAD') return { code: 405, body: 'only GET', headers: { allow: 'GET, HEAD' } };
  return handle(request, response);
}

function send(response: ServerResponse, { code, body, headers = {} }: Answer): void {
  const isText = headers['content-type'] === undefined;
  response.writeHead(code, { ...ALWAYS, ...TEXT, ...headers }).end(isText ? `${body}\n` : body);
}
