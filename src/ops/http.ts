import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CannotListen } from '../config/cannot-listen.ts';

export interface OpsOptions {
  /** Whether calls can be answered now. */
  readonly isReady: () => boolean;
}

/** The operations listener: `/healthz` says that the process lives, `/readyz` whether it can answer calls. */
export class OpsServer {
  readonly #server: Server;

  constructor({ isReady }: OpsOptions) {
    const probes = new Map([
      ['/healthz', () => true],
      ['/readyz', isReady],
    ]);
    this.#server = createServer((request, response) => {
      const probe = probes.get(request.url?.split('?', 1)[0] ?? '');
      const code = probe === undefined ? 404 : request.method !== 'GET' && request.method !== 'HEAD' ? 405 : probe() ? 200 : 503;
      const text = { 200: 'ok', 404: 'not found: try /healthz or /readyz', 405: 'only GET', 503: 'not ready' }[code];
      response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(`${text}\n`);
    });
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
