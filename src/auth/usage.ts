import type { Caps, Grant } from './policy.ts';

/** A cap that a call ran into, and when to come back. */
export interface OverCap {
  readonly cap: 'requests_per_second' | 'max_in_flight';
  readonly limit: number;
  readonly retryTime: number;
}

interface Usage {
  inFlight: number;
  /** When the bucket is full again, by the time that is handed in. */
  fullTime: number;
}

/** Nobody knows when a call under way ends. */
const IN_FLIGHT_RETRY_MS = 1_000;

/** Beyond so many holders those that use nothing are forgotten, which changes no answer. */
const IDLE_KEPT = 10_000;

/** What each holder uses under each grant: calls under way, and a bucket of requests. Time is an argument. */
export class Usages {
  readonly #usages = new Map<string, Usage>();

  /** How many holders are remembered, once for each grant. */
  get size(): number {
    return this.#usages.size;
  }

  /** Counts a call in; the function that is answered counts it out. Undefined inside: it was let in. */
  enter(grant: Grant, grantName: string, holder: string, now: number): { over: OverCap } | { over: undefined; leave: () => void } {
    const usage = this.#of(`${grantName.length}:${grantName}${holder}`, now);
    const over = overCap(grant.caps, usage, now);
    if (over !== undefined) return { over };
    const { requestsPerSecond } = grant.caps;
    if (requestsPerSecond !== null) usage.fullTime = Math.max(usage.fullTime, now) + 1_000 / requestsPerSecond;
    usage.inFlight += 1;
    return { over: undefined, leave: () => (usage.inFlight -= 1) };
  }

  #of(name: string, now: number): Usage {
    const known = this.#usages.get(name);
    if (known !== undefined) return known;
    if (this.#usages.size >= IDLE_KEPT) {
      for (const [key, { inFlight, fullTime }] of this.#usages) if (inFlight === 0 && fullTime <= now) this.#usages.delete(key);
    }
    const made = { inFlight: 0, fullTime: now };
    this.#usages.set(name, made);
    return made;
  }
}

function overCap({ inFlightMax, requestsPerSecond, burst }: Caps, { inFlight, fullTime }: Usage, now: number): OverCap | undefined {
  if (inFlightMax !== null && inFlight >= inFlightMax)
    return { cap: 'max_in_flight', limit: inFlightMax, retryTime: now + IN_FLIGHT_RETRY_MS };
  if (requestsPerSecond === null) return undefined;
  const openTime = fullTime - ((burst - 1) * 1_000) / requestsPerSecond;
  return openTime <= now ? undefined : { cap: 'requests_per_second', limit: requestsPerSecond, retryTime: Math.ceil(openTime) };
}
