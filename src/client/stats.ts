/** What a client did so far. */
export interface Stats {
  /** Leases granted. */
  acquired: number;
  /** Times that no lease was granted although the server answered. */
  refused: number;
  /** Times that no server answered. */
  unavailable: number;
  /** Calls made with the fallback key. */
  fallbacks: number;
  /** Calls made once more on another key. */
  retries: number;
  /** Reports that the server took. */
  reported: number;
  /** Reports that never will be: too many waited, the server refused them, or the client was closed. */
  reportsDropped: number;
  /** Reports and releases that wait for a server or its answer. */
  waiting: number;
  renewed: number;
  released: number;
  /** Leases of calls under way. */
  active: number;
}

export function noStats(): Stats {
  return {
    ...{ acquired: 0, refused: 0, unavailable: 0, fallbacks: 0, retries: 0, reported: 0 },
    ...{ reportsDropped: 0, waiting: 0, renewed: 0, released: 0, active: 0 },
  };
}
