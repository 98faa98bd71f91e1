import { hash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

let readValue: (secret: Secret) => string;

/** The secret of one key, or another one. Every way to print it gives `[secret POOL/KEY]`. */
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

/** Whether a text is the secret, in a time that tells nothing about it. */
export function isSecret(secret: Secret, text: string): boolean {
  const digest = (value: string) => hash('sha256', value, 'buffer');
  return timingSafeEqual(digest(readValue(secret)), digest(text));
}

/** The secret itself: only for a credential that a lease hands out, for its fingerprint, and for a header that a collector asks for. */
export function revealSecret(secret: Secret): string {
  return readValue(secret);
}
