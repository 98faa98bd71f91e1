/** PEM texts or bytes. */
export interface TlsOptions {
  /** Certificates of those who may have signed the server's. Left out: those that the system trusts. */
  readonly ca?: string | Uint8Array;
  /** The certificate and private key of this client, where the server asks for one. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name in the server's certificate, where it is not the one in the address. */
  readonly serverName?: string;
}

/** A key to be used while no server answers; each use is counted. A refusal of the server is final. */
export interface Fallback {
  readonly key: string;
  /** The header that carries it. Left out: the one that the request carries already, else `authorization` as a bearer token. */
  readonly headerName?: string;
}

export interface KeyLeaseOptions {
  /** Where the server listens: `host:port` or `unix:/path`. */
  readonly address: string;
  /** `true`: with the certificates that the system trusts. Left out: plaintext. */
  readonly tls?: TlsOptions | boolean;
  /** Sent as a bearer token with every call; a function is asked each time, so that it may change. */
  readonly token?: string | (() => string | Promise<string>);
  /** How long the server may take to answer, waiting in line not counted. Default 2000. */
  readonly deadlineMs?: number;
  /** Left out: without a server no call is made. */
  readonly fallback?: Fallback;
  /** Reports that wait for a server at most; the oldest beyond them are dropped and counted. Default 10000. */
  readonly reportsMax?: number;
  /** A lease is no longer renewed when its call has run for so long. Default 900000. */
  readonly callMsMax?: number;
  /** How long `close` waits for reports to be delivered. Default 2000. */
  readonly flushMs?: number;
}

/** What a call is going to use; what is left out the server estimates from calls before. */
export interface Demand {
  readonly model?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Requests to the provider under this one lease. Default 1. */
  readonly requests?: number;
}

/** From where and how a key is leased. */
export interface LeaseOptions {
  /** Left out: the server's only pool, or the one called `default`. */
  readonly pool?: string;
  /** Wait in line so long where no key has room; a second key gets what the first left of it. Default: not at all. */
  readonly maxWaitMs?: number;
  /** Calls with the same affinity go to the same key while it has room: provider prompt caches stay warm. */
  readonly affinity?: string;
  /** Who waits with a higher one is served first. Default 0. */
  readonly priority?: number;
  /** Left out: the pool's. */
  readonly ttlMs?: number;
  /** Whether a call that failed is made once more on another key where the server advises it. Default true. */
  readonly retry?: boolean;
  /** Ends the wait for a key. Hand it to the call, too. */
  readonly signal?: AbortSignal;
}

type Bounds = Pick<KeyLeaseOptions, 'deadlineMs' | 'reportsMax' | 'callMsMax' | 'flushMs'>;

export const DEFAULTS: Required<Bounds> = { deadlineMs: 2_000, reportsMax: 10_000, callMsMax: 900_000, flushMs: 2_000 };
