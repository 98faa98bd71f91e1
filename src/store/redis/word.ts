import type { Endpoint } from './connection.ts';

/** How long a word counts, in timeouts of the store: it is asked for twice in each, so that one time may come to nothing. */
const VALID_TIMES = 2;

/**
 * The word of most Sentinels that a server is the primary. One that was cut off from them may have been replaced while it lives, and goes on
 * taking writes that nobody will see again: nothing that rests on it is answered unless the word is young.
 */
export class Word {
  readonly #named: () => Promise<Endpoint>;
  readonly #server: Endpoint;
  readonly #monotonic: () => number;
  /** So long after another primary was named, answers that rest on this one may still leave. */
  readonly validMs: number;
  #asked: number;

  private constructor(named: () => Promise<Endpoint>, server: Endpoint, asked: number, timeoutMs: number, monotonic: () => number) {
    this.#named = named;
    this.#server = server;
    this.#monotonic = monotonic;
    this.#asked = asked;
    this.validMs = VALID_TIMES * timeoutMs;
  }

  /** `named` asks most Sentinels, and throws where they do not agree or do not answer. */
  static async of(named: () => Promise<Endpoint>, timeoutMs: number, monotonic = () => performance.now()): Promise<Word> {
    const asked = monotonic();
    return new Word(named, await named(), asked, timeoutMs, monotonic);
  }

  get server(): Endpoint {
    return this.#server;
  }

  /** Throws where another server is named by now, or where nobody has said anything for too long. */
  async renew(): Promise<void> {
    const asked = this.#monotonic();
    const named = await this.#named().catch(() => null);
    if (named === null) return this.check();
    const { host, port } = this.#server;
    if (named.host !== host || named.port !== port) throw new Error(`the Sentinels name another primary, at ${named.host}:${named.port}`);
    this.#asked = asked;
  }

  /** Throws where the word is too old to rest on. */
  check(): void {
    if (this.#monotonic() - this.#asked > this.validMs)
      throw new Error('most Sentinels do not say whether the server is still the primary');
  }
}
