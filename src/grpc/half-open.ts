import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type ServerHttp2Stream } from 'node:http2';

const CREATED = 'http2.server.stream.created';

/** How long a caller may take to hear that its call is answered before the rest of it is refused. */
const GRACE_MS = 1_000;

/**
 * Resets streams that are answered while their caller never ends its side: grpc-js leaves them open, and each would hold memory for
 * as long as its connection lives. Where a version of Node does not tell of its streams, the connection's age remains the bound.
 * Answers how to stop.
 */
export function resetHalfOpen(): () => void {
  subscribe(CREATED, follow);
  return () => void unsubscribe(CREATED, follow);
}

function follow(message: unknown): void {
  const { stream } = message as { stream: ServerHttp2Stream };
  stream.once('finish', () => {
    if (stream.readableEnded || stream.closed) return;
    setTimeout(() => {
      if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    }, GRACE_MS).unref();
  });
}
