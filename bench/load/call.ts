/** What becomes of one call. */
export interface CallEvents {
  onMessage(message: Buffer): void;
  /** The server has ended the call. A refused one ends without a message. */
  onEnd(): void;
}

/** One call under way. */
export interface OpenCall {
  /** Sends a message that stands behind its gRPC prefix already. */
  send(framed: Buffer, isLast: boolean): void;
}

/** What a connection keeps of a call. */
export interface Stream extends CallEvents {
  readonly id: number;
  /** The beginning of a message whose end has not arrived. */
  partial: Buffer;
  /** Bytes that the server takes at the moment. */
  window: number;
}

/** Hands on every message that is complete, and keeps what is not. */
export function takeMessages(stream: Stream, payload: Buffer): void {
  let bytes = stream.partial.length === 0 ? payload : Buffer.concat([stream.partial, payload]);
  while (bytes.length >= 5) {
    const end = 5 + bytes.readUInt32BE(1);
    if (bytes.length < end) break;
    stream.onMessage(bytes.subarray(5, end));
    bytes = bytes.subarray(end);
  }
  stream.partial = bytes;
}
