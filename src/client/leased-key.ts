import { inspect } from 'node:util';

interface Credential {
  readonly secret: string;
  readonly headerName: string;
  readonly headerValue: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
}

/** What a lease lends. Every way to print it leaves the secret out. */
export class LeasedKey {
  readonly id: string;
  /** Whether it is the fallback key, which no lease stands behind. */
  readonly isFallback: boolean;
  /** Where the provider answers, such as `https://api.anthropic.com`; empty: the pool does not say. */
  readonly baseUrl: string;
  /** The name of the header that carries the secret; empty for a fallback key that may go in any. */
  readonly headerName: string;
  readonly #credential: Credential;
  #readAt: number | null = null;

  constructor(id: string, credential: Credential, isFallback = false) {
    this.id = id;
    this.isFallback = isFallback;
    this.baseUrl = credential.baseUrl;
    this.headerName = credential.headerName;
    this.#credential = credential;
  }

  /** The upstream API key itself. */
  get secret(): string {
    this.#readAt ??= Date.now();
    return this.#credential.secret;
  }

  /** Every header that the provider needs, ready to be sent. */
  get headers(): Record<string, string> {
    this.#readAt ??= Date.now();
    return { ...this.#credential.headers, [this.headerName || 'authorization']: this.#credential.headerValue };
  }

  /** When the secret was first taken, in milliseconds since the epoch; null: never, so no call can have been made with it. */
  get readAt(): number | null {
    return this.#readAt;
  }

  toString(): string {
    return `[key ${this.id}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** The key of a program that goes on without a server. */
export function fallbackKey(key: string, headerName = ''): LeasedKey {
  const isBearer = headerName === '' || headerName.toLowerCase() === 'authorization';
  return new LeasedKey(
    'fallback',
    { secret: key, headerName, headerValue: isBearer ? `Bearer ${key}` : key, headers: {}, baseUrl: '' },
    true,
  );
}
