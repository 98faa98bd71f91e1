import { once } from 'node:events';
import type { Socket } from 'node:net';
import {
  FIRST_WINDOW_BYTES,
  FLAG,
  FRAME,
  FRAME_HEADER_BYTES,
  frame,
  headerBlock,
  PREFACE,
  settingsFrame,
  WINDOW_BYTES_MAX,
} from '../../bench/load/frames.ts';

const OPEN_WINDOW = windowUpdate(0, WINDOW_BYTES_MAX - FIRST_WINDOW_BYTES);
const SETTINGS_TAKEN = frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0));

/** A literal header without indexing, its lengths in HPACK's seven-bit prefix. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const lengths = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) lengths.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...lengths, rest]), bytes]);
}

/** A connection that sends whatever it is told and only counts what comes back. */
export class Connection {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  /** Code of the server's last GOAWAY; null: none came. */
  goAway: number | null = null;
  /** Streams that the server has reset, and those that it has answered. */
  resets = 0;
  answers = 0;
  #rest = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#read(chunk));
  }

  /** Begins HTTP/2, with room for all that the server answers. */
  begin(settings: readonly (readonly [id: number, value: number])[] = []): this {
    this.socket.write(Buffer.concat([PREFACE, settingsFrame(settings), OPEN_WINDOW, SETTINGS_TAKEN]));
    return this;
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.writable;
  }

  /** Sends bytes as fast as they are taken; false: the connection is over. */
  async send(...bytes: readonly Buffer[]): Promise<boolean> {
    if (!this.isOpen) return false;
    if (!this.socket.write(Buffer.concat(bytes))) {
      const drained = new AbortController();
      await Promise.race([once(this.socket, 'drain', { signal: drained.signal }).catch(() => {}), this.closed, patience()]);
      drained.abort();
    }
    return this.isOpen;
  }

  /** A connection that no longer reads. */
  deafen(): void {
    this.socket.pause();
  }

  close(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (bytes.length < end) break;
      this.#onFrame(bytes[at + 3] as number, bytes[at + 4] as number, bytes.subarray(at + FRAME_HEADER_BYTES, end));
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  #onFrame(type: number, flags: number, payload: Buffer): void {
    if (type === FRAME.goAway && payload.length >= 8) this.goAway = payload.readUInt32BE(4);
    if (type === FRAME.resetStream) this.resets += 1;
    if (type === FRAME.headers && flags & FLAG.endStream) this.answers += 1;
  }
}

/** How long an attacker waits for a server that takes nothing more. */
function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 500).unref());
}

interface HeadersOptions {
  readonly flags?: number;
  readonly more?: readonly Buffer[];
}

/** The headers of a call, with more of them. */
export function headersFrame(streamId: number, path: string, { flags = FLAG.endHeaders, more = [] }: HeadersOptions = {}): Buffer {
  return frame(FRAME.headers, flags, streamId, Buffer.concat([headerBlock(path, 'localhost'), ...more]));
}

export function resetFrame(streamId: number): Buffer {
  return frame(FRAME.resetStream, 0, streamId, Buffer.from([0, 0, 0, 8]));
}

/** A WINDOW_UPDATE for a stream, 0 for the connection. */
export function windowUpdate(streamId: number, bytes = WINDOW_BYTES_MAX): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.windowUpdate, 0, streamId, payload);
}
