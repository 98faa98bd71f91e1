import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { withoutCredential } from './blank.ts';

/** Everything that a server sent: headers and trailers as text, messages without the credential, what a connection was closed with. */
interface Recorded {
  readonly method: string;
  readonly told: Buffer;
}

export interface RecordingProxy {
  readonly address: string;
  readonly recorded: readonly Recorded[];
  /** Where calls go from now on. */
  target(address: string): void;
}

/** How the server is talked to: for calls that show no authorization, and for those that do. */
export type Ways = Readonly<Record<'certified' | 'bare', SecureClientSessionOptions>>;

/** Stands between clients in plain text and a server with TLS, and keeps what the server says, headers decompressed. */
export async function startProxy(ways: Ways): Promise<RecordingProxy> {
  const recorded: Recorded[] = [];
  const record = (method: string, told: string | Uint8Array) => void recorded.push({ method, told: Buffer.from(told) });
  let upstreams: Record<keyof Ways, ClientHttp2Session> | undefined;
  const destroy = () => {
    for (const upstream of Object.values(upstreams ?? {})) upstream.destroy();
  };
  const open = (address: string, way: keyof Ways) => {
    const upstream = connect(`https://${address}`, ways[way]);
    upstream.on('error', () => {});
    upstream.on('goaway', (_code, _last, data) => record('GOAWAY', data ?? ''));
    return upstream;
  };
  const server: Http2Server = createServer();
  server.on('stream', (stream, headers) => {
    forward(upstreams?.[headers.authorization === undefined ? 'certified' : 'bare'], stream, headers, record);
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    destroy();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    target(address) {
      destroy();
      upstreams = { certified: open(address, 'certified'), bare: open(address, 'bare') };
    },
  };
}

type Keep = (method: string, told: string | Uint8Array) => void;

function forward(upstream: ClientHttp2Session | undefined, client: ServerHttp2Stream, headers: IncomingHttpHeaders, record: Keep): void {
  const method = headers[':path'] as string;
  client.on('error', () => {});
  if (upstream === undefined || upstream.destroyed) {
    client.close();
    return;
  }
  const { ':authority': _, ...forwarded } = headers;
  const server = upstream.request(forwarded, { endStream: false });
  const messages = new Messages((message) => record(method, withoutCredential(method, message)));
  server.on('error', () => client.close());
  server.on('response', (answer, flags) => {
    record(method, JSON.stringify(answer));
    const isEnd = (flags & 1) === 1;
    if (!client.destroyed) client.respond(answer, { endStream: isEnd, waitForTrailers: !isEnd });
  });
  let trailers: IncomingHttpHeaders = {};
  server.on('trailers', (told) => {
    record(method, JSON.stringify(told));
    trailers = told;
  });
  client.on('wantTrailers', () => client.sendTrailers(trailers));
  server.on('data', (bytes: Buffer) => {
    messages.take(bytes);
    if (!client.destroyed) client.write(bytes);
  });
  server.on('end', () => client.end());
  server.on('close', () => {
    record(method, messages.rest);
    if (!client.writableEnded) client.close(server.rstCode);
  });
  client.on('data', (bytes) => server.write(bytes));
  client.on('end', () => server.end());
  client.on('aborted', () => server.close(8));
}

/** gRPC messages out of the bytes of a stream. */
class Messages {
  readonly #take: (message: Buffer) => void;
  #bytes = Buffer.alloc(0);

  constructor(take: (message: Buffer) => void) {
    this.#take = take;
  }

  take(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 5) {
      const end = 5 + this.#bytes.readUInt32BE(1);
      if (this.#bytes.length < end) return;
      this.#take(this.#bytes.subarray(5, end));
      this.#bytes = this.#bytes.subarray(end);
    }
  }

  /** What is no whole message. */
  get rest(): Buffer {
    return this.#bytes;
  }
}
