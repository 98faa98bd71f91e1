import { inspect } from 'node:util';

let readValue: (secret: Secret) => string;

/** The secret of one key. Every way to print it gives `[secret POOL/KEY]`. */
export class Secret {
  readonly #name: string;
  readonly #value: string;

  constructor(pool: string, key: string, value: string) {
    this.#name = `[secret ${pool}/${key}]`;
    this.#value = value;
  }

  toString(): string {
    return this.#name;
  }

  toJSON(): string {
    return this.#name;
  }

  [inspect.custom](): string {
    return this.#name;
  }

  static {
    readValue = (secret) => secret.#value;
  }
}

/** The secret itself: only for a credential that a lease hands out, and for its fingerprint. */
export function revealSecret(secret: Secret): string {
  return readValue(secret);
}
