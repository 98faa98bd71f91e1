/** A call of the wire that is over, for whoever counts, logs or traces calls. A call on a LeaseStream is one as well. */
export interface FinishedCall {
  /** Of a service of this server and a method of it, as in `keylease.v1.KeyLeaseService/AcquireKey`. */
  readonly rpc: string;
  /** The number of its gRPC status. */
  readonly code: number;
  /** The name of its gRPC status, as in `NOT_FOUND`. */
  readonly codeName: string;
  readonly durationMs: number;
  /** By the wall clock. */
  readonly startTime: number;
  /** Empty: nobody was named. */
  readonly holder: string;
  /** Why it was not answered as asked, as in `ALL_KEYS_EXHAUSTED`; empty: it was. */
  readonly reason: string;
  /** As the caller wrote it, or as the answer says; empty: neither. */
  readonly pool: string;
  /** A bearer token: shown to nobody, but for its hash. Empty: the call has none. */
  readonly leaseId: string;
  /** The caller's own; empty: none. */
  readonly requestId: string;
  /** The caller's W3C trace context as it arrived; undefined: none. */
  readonly traceparent: string | undefined;
}

export type CallObserver = (call: FinishedCall) => void;
