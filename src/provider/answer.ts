import type { Headers, Millis } from '../pool/upstream.ts';

/** What a provider answered, as far as a verdict needs it. */
export interface Answer {
  /** 0: no response arrived. */
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
  readonly responseTime: Millis;
  /** The wait that the headers asked for; null: they did not. */
  readonly retryAfterMs: number | null;
}

const BODY_LENGTH_MAX = 16_384;

/** As much of a body as is read. */
export function boundedBody(body: string): string {
  return body.slice(0, BODY_LENGTH_MAX);
}
