/** As much of HTTP/2 as a load generator needs: https://www.rfc-editor.org/rfc/rfc9113 */

export const FRAME = { data: 0, headers: 1, resetStream: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 } as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;
export const SETTING = { enablePush: 2, initialWindowSize: 4 } as const;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const FRAME_HEADER_BYTES = 9;
export const FRAME_PAYLOAD_BYTES_MAX = 16_384;
export const FIRST_WINDOW_BYTES = 65_535;
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;

export function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  payload.copy(bytes, FRAME_HEADER_BYTES);
  return bytes;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [place, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, place * 6);
    payload.writeUInt32BE(value, place * 6 + 2);
  }
  return frame(FRAME.settings, 0, 0, payload);
}

export function windowUpdateFrame(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.windowUpdate, 0, 0, payload);
}

/** The request headers of a gRPC call in HPACK, without the dynamic table, so that they are the same bytes for every call. */
export function headerBlock(path: string, authority: string): Buffer {
  const text = (value: string) => [value.length, ...Buffer.from(value)];
  const METHOD_POST = 0x83;
  const SCHEME_HTTP = 0x86;
  const PATH = 0x04;
  const AUTHORITY = 0x01;
  const CONTENT_TYPE = [0x0f, 0x10];
  const NEW_NAME = 0x00;
  return Buffer.from([
    ...[METHOD_POST, SCHEME_HTTP, PATH, ...text(path), AUTHORITY, ...text(authority)],
    ...[...CONTENT_TYPE, ...text('application/grpc'), NEW_NAME, ...text('te'), ...text('trailers')],
  ]);
}

/** A message behind the five bytes that gRPC puts before it. */
export function grpcMessage(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}
