import { status as codes } from '@grpc/grpc-js';
import { serviceError } from './status.ts';

/** A stream as a drain sees it. */
export interface OpenStream {
  /** Ends it once what is under way on it is answered; the end is an error of this status. */
  end(error: Error): void;
}

/** The streams that are open: a shutdown never ends while one is, so a drain ends them. */
export class OpenStreams {
  readonly #open = new Set<OpenStream>();

  add(stream: OpenStream): void {
    this.#open.add(stream);
  }

  delete(stream: OpenStream): void {
    this.#open.delete(stream);
  }

  drain(): void {
    const error = serviceError({ code: codes.UNAVAILABLE, message: 'the server is shutting down', details: [] });
    for (const stream of this.#open) stream.end(error);
  }
}
