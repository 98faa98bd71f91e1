import { completed, type Usage, usageOf, usageParts } from './usage.ts';

/** Sees the bytes of a body go by and says at the end what they told. It keeps no more of them than it must. */
export interface BodyWatch {
  see(chunk: Uint8Array): void;
  /** `isWhole`: the body came to its end. */
  told(isWhole: boolean): BodyTold;
}

export interface BodyTold {
  readonly usage?: Usage;
  /** An error that came in the middle of a stream whose status was 200. */
  readonly error?: { readonly status: number; readonly body: string };
}

/** Longer answers are not read: the estimate stands. */
const JSON_BYTES_MAX = 4 * 1_024 * 1_024;
const EVENT_CHARACTERS_MAX = 1_024 * 1_024;

export function watchFor(contentType: string): BodyWatch {
  if (/^text\/event-stream\b/i.test(contentType)) return new EventWatch();
  if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) return new JsonWatch();
  return { see: () => {}, told: () => ({}) };
}

class JsonWatch implements BodyWatch {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  see(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= JSON_BYTES_MAX) this.#chunks.push(chunk);
  }

  told(isWhole: boolean): BodyTold {
    if (!isWhole || this.#bytes > JSON_BYTES_MAX) return {};
    try {
      const usage = usageOf(JSON.parse(Buffer.concat(this.#chunks).toString()));
      return usage === undefined ? {} : { usage };
    } catch {
      return {};
    }
  }
}

/** What an error in the middle of a stream would have been as a status. */
const STATUS_OF: Readonly<Record<string, number>> = {
  overloaded_error: 529,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  authentication_error: 401,
  permission_error: 403,
  api_error: 500,
  server_error: 500,
};

/** Server-sent events, a line at a time: only those that tell of usage or of an error are parsed. */
class EventWatch implements BodyWatch {
  readonly #decoder = new TextDecoder();
  #line = '';
  #isTooLong = false;
  #parts: Partial<Usage> = {};
  /** Whether what is known is more than the beginning of a message, which knows no output yet. */
  #isFinal = false;
  #error: BodyTold['error'];

  see(chunk: Uint8Array): void {
    const lines = (this.#line + this.#decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/);
    this.#line = lines.pop()!;
    for (const line of lines) {
      if (!this.#isTooLong) this.#read(line);
      this.#isTooLong = false;
    }
    if (this.#line.length <= EVENT_CHARACTERS_MAX) return;
    this.#line = '';
    this.#isTooLong = true;
  }

  told(): BodyTold {
    const usage = this.#isFinal ? completed(this.#parts) : undefined;
    return { ...(usage === undefined ? {} : { usage }), ...(this.#error === undefined ? {} : { error: this.#error }) };
  }

  #read(line: string): void {
    if (!line.startsWith('data:') || !/"usage|"error"/.test(line)) return;
    let event: Readonly<Record<string, unknown>> | null;
    try {
      event = JSON.parse(line.slice('data:'.length)) as Readonly<Record<string, unknown>> | null;
    } catch {
      return;
    }
    const parts = usageParts(event);
    if (parts !== null) {
      this.#parts = { ...this.#parts, ...parts };
      this.#isFinal ||= event?.type !== 'message_start';
    }
    this.#error ??= errorIn(event, line.slice('data:'.length));
  }
}

type Code = { readonly type?: unknown; readonly code?: unknown } | null | undefined;

/** Anthropic and chat completions tell it in `error`, responses in `response.error` or at the top. */
function errorIn(event: Readonly<Record<string, unknown>> | null, body: string): BodyTold['error'] {
  const response = event?.response as { readonly error?: Code } | undefined;
  const codes = [event?.error as Code, response?.error, event?.type === 'error' ? (event as Code) : null];
  const status = codes.flatMap((each) => [each?.type, each?.code]).map((code) => STATUS_OF[String(code)]);
  const found = status.find((each) => each !== undefined);
  return found === undefined ? undefined : { status: found, body };
}
