/** The server answered and granted no lease. Nothing was sent to the provider. */
export class KeyLeaseRefused extends Error {
  override readonly name: string = 'KeyLeaseRefused';
  /** Such as `ALL_KEYS_EXHAUSTED` or `NO_HEALTHY_KEYS`; else the name of the gRPC status. */
  readonly reason: string;
  /** When to ask again; null: no moment is known. */
  readonly retryAfterMs: number | null;
  /** What belongs to the reason, such as how many keys cool down. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(message: string, reason: string, retryAfterMs: number | null = null, metadata: Readonly<Record<string, string>> = {}) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.metadata = metadata;
  }
}

/** No server answered, so no lease was granted. Nothing was sent to the provider. */
export class KeyLeaseUnavailable extends KeyLeaseRefused {
  override readonly name = 'KeyLeaseUnavailable';

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message, 'UNAVAILABLE', retryAfterMs);
  }
}

/** The request goes to a host for which the pool's keys are not meant. Nothing was sent. */
export class HostNotAllowed extends Error {
  override readonly name = 'HostNotAllowed';

  constructor(url: URL, allowed: readonly string[]) {
    const hosts = allowed.length === 0 ? 'no host, for the pool names none' : allowed.join(', ');
    super(`a leased key is meant for ${hosts}, not for ${url.origin}; if it is, name the host in the option hosts`);
  }
}
