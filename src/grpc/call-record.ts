import { status as codes, type Metadata } from '@grpc/grpc-js';
import { ErrorInfo } from '../generated/google/rpc/error_details.ts';
import type { Status } from '../generated/google/rpc/status.ts';
import type { CallObserver, FinishedCall } from '../service/finished-call.ts';
import { shortened } from './status.ts';

/** What may become part of a line in a log. */
const SHOWN_CHARACTERS_MAX = 128;

const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';

/** The parts of messages that tell what a call was about. */
interface Told {
  readonly pool?: string;
  readonly leaseId?: string;
  readonly requestId?: string;
  readonly lease?: { readonly leaseId: string; readonly pool: string };
}

interface EndingStream {
  once(event: 'error', listener: (error: { readonly code?: number }) => void): unknown;
  once(event: 'cancelled' | 'close', listener: () => void): unknown;
}

/** One call from its beginning to its end. What only a log or a trace asks for is worked out when it is asked for. */
export class CallRecord implements FinishedCall {
  readonly rpc: string;
  holder = '';
  code = 0;
  durationMs = 0;
  readonly #start = performance.now();
  readonly #metadata: Metadata;
  readonly #observe: CallObserver;
  readonly #request: Told;
  #response: Told | undefined;
  #status: Status | undefined;
  #isOver = false;

  constructor(rpc: string, metadata: Metadata, request: unknown, observe: CallObserver) {
    this.rpc = rpc;
    this.#metadata = metadata;
    this.#request = request as Told;
    this.#observe = observe;
  }

  answered(response?: unknown): void {
    this.#response = response as Told | undefined;
    this.#end(codes.OK);
  }

  refused(status: Status): void {
    this.#status = status;
    this.#end(status.code);
  }

  #end(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.code = code;
    this.durationMs = performance.now() - this.#start;
    this.#observe(this);
  }

  /** Hears how a stream ends, if nothing was said of it before. */
  follow(stream: EndingStream): this {
    stream.once('error', (error) => this.#end(error.code ?? codes.UNKNOWN));
    stream.once('cancelled', () => this.#end(codes.CANCELLED));
    stream.once('close', () => this.#end(codes.OK));
    return this;
  }

  get startTime(): number {
    return Date.now() - (performance.now() - this.#start);
  }

  get codeName(): string {
    return codes[this.code] ?? 'UNKNOWN';
  }

  get reason(): string {
    const info = this.#status?.details.find(({ typeUrl }) => typeUrl === ERROR_INFO);
    return info === undefined ? '' : ErrorInfo.decode(info.value).reason;
  }

  get pool(): string {
    return shown(this.#response?.lease?.pool ?? this.#request.pool);
  }

  get leaseId(): string {
    return this.#response?.lease?.leaseId ?? this.#request.leaseId ?? '';
  }

  get requestId(): string {
    return shown(this.#request.requestId);
  }

  get traceparent(): string | undefined {
    const [value] = this.#metadata.get('traceparent');
    return typeof value === 'string' ? value : undefined;
  }
}

function shown(text: string | undefined): string {
  return shortened(text ?? '', SHOWN_CHARACTERS_MAX);
}

/** The name of a method from the path that a call was sent to. */
export function rpcOf(path: string): string {
  return path.slice(1);
}
