import { connect, type Socket } from 'node:net';
import { type CallEvents, type OpenCall, type Stream, takeMessages } from './call.ts';
import {
  FIRST_WINDOW_BYTES,
  FLAG,
  FRAME,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
  frame,
  headerBlock,
  PREFACE,
  SETTING,
  settingsFrame,
  WINDOW_BYTES_MAX,
  windowUpdateFrame,
} from './frames.ts';

const NOTHING = Buffer.alloc(0);

/**
 * An HTTP/2 connection that sends gRPC calls with as little work as possible: a client library takes more CPU for a call than a
 * server does, and then the client is what is measured. All frames of one turn of the event loop leave in one write.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #blocks = new Map<string, Buffer>();
  readonly #streams = new Map<number, Stream>();
  readonly #waiting: { readonly stream: Stream; readonly payload: Buffer; readonly flags: number }[] = [];
  #outbox: Buffer[] = [];
  #rest: Buffer = NOTHING;
  #nextId = 1;
  #window = FIRST_WINDOW_BYTES;
  #streamWindow = FIRST_WINDOW_BYTES;
  #received = 0;
  #onSettings = () => {};

  /** Connects to `host:port`; resolves once the server has sent its settings. */
  static async open(address: string): Promise<Connection> {
    const [host, port] = [address.slice(0, address.lastIndexOf(':')), Number(address.slice(address.lastIndexOf(':') + 1))];
    const socket = connect({ host, port, noDelay: true });
    const connection = new Connection(socket, address);
    await new Promise<void>((resolve, reject) => {
      connection.#onSettings = resolve;
      socket.once('error', reject);
    });
    return connection;
  }

  private constructor(socket: Socket, authority: string) {
    this.#socket = socket;
    this.#authority = authority;
    socket.on('data', (chunk) => this.#read(chunk));
    const settings: [number, number][] = [
      [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, WINDOW_BYTES_MAX],
    ];
    this.#put(PREFACE, settingsFrame(settings), windowUpdateFrame(WINDOW_BYTES_MAX - FIRST_WINDOW_BYTES));
  }

  /** Opens a call on a path such as `/keylease.v1.KeyLeaseService/AcquireKey`. */
  call(path: string, events: CallEvents): OpenCall {
    const stream: Stream = { ...events, id: this.#nextId, partial: NOTHING, window: this.#streamWindow };
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    this.#put(frame(FRAME.headers, FLAG.endHeaders, stream.id, this.#block(path)));
    return { send: (framed, isLast) => this.#send(stream, framed, isLast) };
  }

  close(): void {
    this.#socket.destroy();
  }

  #block(path: string): Buffer {
    const known = this.#blocks.get(path) ?? headerBlock(path, this.#authority);
    this.#blocks.set(path, known);
    return known;
  }

  #send(stream: Stream, framed: Buffer, isLast: boolean): void {
    for (let at = 0; at < framed.length; at += FRAME_PAYLOAD_BYTES_MAX) {
      const payload = framed.subarray(at, at + FRAME_PAYLOAD_BYTES_MAX);
      const flags = isLast && at + payload.length === framed.length ? FLAG.endStream : 0;
      this.#waiting.push({ stream, payload, flags });
    }
    this.#sendWaiting();
  }

  /** Sends what the server's flow control allows. */
  #sendWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { stream, payload, flags } = next;
      if (payload.length > Math.min(this.#window, stream.window)) return;
      this.#window -= payload.length;
      stream.window -= payload.length;
      this.#put(frame(FRAME.data, flags, stream.id, payload));
      this.#waiting.shift();
    }
  }

  #put(...frames: Buffer[]): void {
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    this.#outbox.push(...frames);
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#outbox));
    this.#outbox = [];
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      const id = bytes.readUInt32BE(at + 5) & WINDOW_BYTES_MAX;
      this.#onFrame(bytes[at + 3]!, bytes[at + 4]!, id, bytes.subarray(at + FRAME_HEADER_BYTES, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case FRAME.data:
        this.#onData(id, flags, payload);
        break;
      case FRAME.headers:
        if (flags & FLAG.endStream) this.#end(id);
        break;
      case FRAME.resetStream:
        this.#end(id);
        break;
      case FRAME.settings:
        if (!(flags & FLAG.ack)) this.#onServerSettings(payload);
        break;
      case FRAME.ping:
        if (!(flags & FLAG.ack)) this.#put(frame(FRAME.ping, FLAG.ack, 0, payload));
        break;
      case FRAME.goAway:
        for (const open of [...this.#streams.keys()]) this.#end(open);
        break;
      case FRAME.windowUpdate:
        this.#onWindowUpdate(id, payload.readUInt32BE());
        break;
    }
  }

  #onData(id: number, flags: number, payload: Buffer): void {
    if (flags & FLAG.padded) throw new Error('a server that pads its frames cannot be measured');
    this.#received += payload.length;
    if (this.#received > WINDOW_BYTES_MAX / 2) {
      this.#put(windowUpdateFrame(this.#received));
      this.#received = 0;
    }
    const stream = this.#streams.get(id);
    if (stream !== undefined) takeMessages(stream, payload);
    if (flags & FLAG.endStream) this.#end(id);
  }

  #end(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.onEnd();
  }

  #onServerSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === SETTING.initialWindowSize) this.#streamWindow = payload.readUInt32BE(at + 2);
    }
    this.#put(frame(FRAME.settings, FLAG.ack, 0, NOTHING));
    this.#onSettings();
  }

  #onWindowUpdate(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (id === 0) this.#window += bytes;
    else if (stream !== undefined) stream.window += bytes;
    this.#sendWaiting();
  }
}
