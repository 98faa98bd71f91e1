import type { HeaderReading, Headers, IgnoredHeader, LimitHeaders, Millis, Observation } from '../pool/upstream.ts';
import { type Parser, parseMilliseconds, parseNumber, parseRetryAfter, providerClock } from './headers.ts';

const VALUE_LENGTH_MAX = 256;

/** Every header that asks to wait; the longest wait counts. */
const WAITS: readonly (readonly [name: string, parse: Parser<number>])[] = [
  ['retry-after-ms', parseMilliseconds],
  ['x-ms-retry-after-ms', parseMilliseconds],
  ['retry-after', parseRetryAfter],
];

/** The headers of one limit and how their reset is written: one row of a provider's dialect. */
export interface LimitRow extends LimitHeaders {
  /** Null where no header tells the reset. */
  readonly parseReset: Parser<number> | null;
}

/** Reads the headers of one response and remembers which ones it had to ignore. Never throws. */
export class HeaderReader {
  readonly #headers: Headers;
  /** The provider's time when it answered. */
  readonly clock: Millis;
  readonly #ignored: IgnoredHeader[] = [];

  constructor(headers: Headers, responseTime: Millis) {
    this.#headers = headers;
    this.clock = providerClock(headers, responseTime);
  }

  /** One header's value; null: absent, unknown to the provider, or ignored. Read each name once. */
  read<T>(name: string, parse: Parser<T>): T | null {
    const text = this.#headers.get(name);
    if (text === undefined) return null;
    const parsed =
      text.length > VALUE_LENGTH_MAX ? { ignored: `longer than ${VALUE_LENGTH_MAX} characters` } : parse(text.trim(), this.clock);
    if ('value' in parsed) return parsed.value;
    this.#ignored.push({ name, reason: parsed.ignored });
    return null;
  }

  /** One observation for each row whose limit or remaining is told; a reset alone says nothing. */
  observe(rows: readonly LimitRow[]): Observation[] {
    const told: Observation[] = [];
    for (const row of rows) {
      const limit = this.read(row.limit, parseNumber);
      const remaining = this.read(row.remaining, parseNumber);
      const resetInMs = row.reset !== null && row.parseReset !== null ? this.read(row.reset, row.parseReset) : null;
      if (limit === null && remaining === null) continue;
      const { dimension, windowMs, windowNamed, refill } = row;
      told.push({ dimension, limit, remaining, resetInMs, windowMs, windowNamed, refill });
    }
    return told;
  }

  /** Everything that was read, and the wait that the response asked for; `otherWaitMs` counts where no header of WAITS asks. */
  finish(observations: readonly Observation[], account: string | null, otherWaitMs: number | null = null): HeaderReading {
    const asked = Math.max(...WAITS.map(([name, parse]) => this.read(name, parse) ?? 0));
    const retryAfterMs = asked || otherWaitMs || null;
    return { observations: tightest(observations), retryAfterMs, account, ignored: this.#ignored };
  }
}

/** Of several observations of one dimension and named window the one with the fewest remaining, since one meter is kept for them. */
function tightest(observations: readonly Observation[]): Observation[] {
  const kept = new Map<string, Observation>();
  for (const observation of observations) {
    const meter = `${observation.dimension} ${observation.windowNamed ? observation.windowMs : ''}`;
    const rival = kept.get(meter);
    if (!rival || left(observation) < left(rival)) kept.set(meter, observation);
  }
  return [...kept.values()];
}

function left({ remaining }: Observation): number {
  return remaining ?? Number.POSITIVE_INFINITY;
}
