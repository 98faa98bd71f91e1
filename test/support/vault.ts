import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export const VAULT_TOKEN = 'hvs.canary-token-6Tq9';

/** A stand-in for HashiCorp Vault on a loopback port: what it has at each path, as its API answers it. */
export interface StandInVault {
  readonly address: string;
  /** The requests so far. */
  readonly asked: readonly IncomingMessage[];
  /** Puts a secret at a path: with data/ after the mount, as version 2 has it. */
  put(path: string, fields: Readonly<Record<string, unknown>>): void;
  /** Answers a path with a status and a body of its own. */
  answer(path: string, status: number, body: string, headers?: Record<string, string>): void;
  /** Takes requests at a path and never answers. */
  hang(path: string): void;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** Starts it, with TLS where there is a certificate; it is gone when the test is over. */
export async function startVault(tls?: { readonly cert: string; readonly key: string }): Promise<StandInVault> {
  const answers = new Map<string, Answer | null>();
  const asked: IncomingMessage[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(request);
    const path = (request.url ?? '').slice('/v1/'.length);
    const found = answers.get(path);
    if (found === null) return;
    const refused = request.headers['x-vault-token'] !== VAULT_TOKEN;
    const { status, body, headers } = refused
      ? { status: 403, body: '{"errors":["permission denied"]}', headers: {} }
      : (found ?? { status: 404, body: '{"errors":[]}', headers: {} });
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const answer: StandInVault['answer'] = (path, status, body, headers = {}) => void answers.set(path, { status, body, headers });
  return {
    address: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer,
    put(path, fields) {
      const data = path.split('/')[1] === 'data' ? { data: fields, metadata: { version: 3, destroyed: false } } : fields;
      answer(path, 200, JSON.stringify({ request_id: 'r', lease_duration: 0, data }));
    },
    hang: (path) => void answers.set(path, null),
  };
}
