import { status as codes, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { serviceError } from './status.ts';

/** A stream as a drain sees it. */
export interface OpenStream {
  /** Ends it once what is under way on it is answered; the end is an error of this status. */
  end(error: Error): void;
}

interface StreamCall {
  emit(event: 'error', error: Error): unknown;
  once(event: 'cancelled' | 'close', listener: () => void): unknown;
}

/** The streams that are open: a shutdown never ends while one is, so a drain ends them. */
export class OpenStreams {
  readonly #open = new Set<OpenStream>();
  /** What ends the streams; undefined: no drain has begun. */
  #end: Error | undefined;

  /** A stream that opens when a drain has begun is ended at once: the drain has passed it. */
  add(stream: OpenStream): void {
    if (this.#end === undefined) this.#open.add(stream);
    else stream.end(this.#end);
  }

  delete(stream: OpenStream): void {
    this.#open.delete(stream);
  }

  /** Holds a stream on which nothing is ever under way until it ends. */
  follow(call: StreamCall): void {
    const stream = { end: (error: Error) => void call.emit('error', error) };
    this.add(stream);
    call.once('cancelled', () => this.delete(stream));
    call.once('close', () => this.delete(stream));
  }

  /** The handlers of a service that is not ours, its streams among those that a drain ends. */
  followed(handlers: UntypedServiceImplementation): UntypedServiceImplementation {
    const followed = Object.entries(handlers).map(([name, handler]) => {
      const handle = handler as (call: StreamCall, callback?: unknown) => void;
      return [
        name,
        (call: StreamCall, callback?: unknown) => {
          if (callback === undefined) this.follow(call);
          if (callback !== undefined || this.#end === undefined) handle(call, callback);
        },
      ];
    });
    return Object.fromEntries(followed);
  }

  drain(): void {
    this.#end = serviceError({ code: codes.UNAVAILABLE, message: 'the server is shutting down', details: [] });
    for (const stream of this.#open) stream.end(this.#end);
  }
}
