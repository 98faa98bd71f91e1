import type { Usage } from './usage.ts';

/** What the provider answered to one request. */
export interface Report {
  /** The HTTP status; 0: no response arrived. */
  readonly status: number;
  readonly headers?: Headers | Readonly<Record<string, unknown>>;
  /** The body of an error, as it came. */
  readonly errorBody?: string;
  readonly usage?: Usage;
  /** When the request was sent and when the headers arrived, in milliseconds since the epoch. */
  readonly requestTime?: number;
  readonly responseTime?: number;
  /** The call still runs. */
  readonly inProgress?: boolean;
}
