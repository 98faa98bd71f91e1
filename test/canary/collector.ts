import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** One export as it came. */
interface Sent {
  readonly path: string;
  /** The header that may hold the secret. */
  readonly authorization: string;
  /** Everything else: the other headers, and the body. */
  readonly told: Buffer;
}

export interface RecordingCollector {
  readonly endpoint: string;
  readonly sent: readonly Sent[];
}

/** A collector of OTLP over HTTP on a loopback port that keeps every byte it is sent. */
export async function startRecordingCollector(): Promise<RecordingCollector> {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { authorization = '', ...headers } = request.headers;
      sent.push({ path: request.url ?? '', authorization, told: Buffer.concat([Buffer.from(JSON.stringify(headers)), body]) });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent };
}
