import type { Duration } from '../generated/google/protobuf/duration.ts';
import { acquireKey } from './acquire.ts';
import type { BodyTold } from './body-watch.ts';
import { connect } from './connection.ts';
import { KeyLeaseUnavailable } from './errors.ts';
import { HeldLease, noLease } from './held-lease.ts';
import { LeaseCalls } from './lease-calls.ts';
import type { Advice, LeaseHandle } from './lease-handle.ts';
import { fallbackKey, LeasedKey } from './leased-key.ts';
import { DEFAULTS, type Demand, type KeyLeaseOptions, type LeaseOptions } from './options.ts';
import { reportOfError, reportOfValue } from './outcome.ts';
import type { Report } from './report.ts';
import { errorBody, watched } from './response.ts';
import { noStats, type Stats } from './stats.ts';
import { fromDuration } from './time.ts';

/** One call of a program, with the key that it is to use. It may be run a second time, on another key. */
export type Run<T> = (key: LeasedKey, lease: LeaseHandle) => Promise<T> | T;

/** A client of a keylease server. */
export interface KeyLease extends AsyncDisposable {
  /**
   * Leases a key from the pool, runs the call and reports what came of it: from the `Response` that it returned, whose body is watched to
   * its end, or from the `status`, `headers` and `usage` of what it returned or threw. Where the server advises it, the call is made
   * once more on another key. Throws KeyLeaseRefused where no key was leased, and whatever the call throws.
   */
  withKey<T>(pool: string | LeaseOptions, demand: Demand, run: Run<T>): Promise<T>;
  stats(): Stats;
  /** Delivers what waits, within the bound, and disconnects. */
  close(): Promise<void>;
}

/** How one run of a call ended. */
interface Attempt<T> {
  readonly advice: Advice | null;
  /** Returns or throws what the run did. */
  give(): T;
  /** Nobody will look at it. */
  discard(): void;
}

/** Connects to the server when the first key is needed. Throws TypeError for an option that makes no sense. */
export function createKeyLease(options: KeyLeaseOptions): KeyLease {
  return new Client(options);
}

/** Whoever has a fallback key need not wait for a server that is away. */
const TRIES_BEFORE_FALLBACK = 3;

class Client implements KeyLease {
  readonly #options: KeyLeaseOptions & typeof DEFAULTS;
  readonly #connection: ReturnType<typeof connect>;
  readonly #calls: LeaseCalls;
  readonly #stats = noStats();

  constructor(options: KeyLeaseOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#connection = connect(options);
    this.#calls = new LeaseCalls(this.#connection.service, { callsMax: this.#options.reportsMax, random: Math.random });
  }

  stats(): Stats {
    return { ...this.#stats, waiting: this.#calls.size };
  }

  async close(): Promise<void> {
    await this.#calls.close(this.#options.flushMs);
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async withKey<T>(pool: string | LeaseOptions, demand: Demand, run: Run<T>): Promise<T> {
    const options = typeof pool === 'string' ? { pool } : pool;
    const leased = await this.#leaseOrFallBack(options, demand);
    if (leased === null) return run(this.#fallback(), noLease());
    const mayRetry = options.retry !== false;
    const first = await this.#attempt(leased, options, demand, run, mayRetry);
    if (!mayRetry || first.advice?.action !== 'other_key') return first.give();
    const other = await this.#lease(withTimeLeft(options, leased.waited), demand, [leased.key.id]).catch(() => null);
    if (other === null) return first.give();
    first.discard();
    this.#stats.retries += 1;
    return (await this.#attempt(other, options, demand, run, false)).give();
  }

  async #lease(options: LeaseOptions, demand: Demand, excluded: readonly string[]) {
    const { deadlineMs, callMsMax, fallback } = this.#options;
    const patience = { deadlineMs, triesMax: fallback === undefined ? Number.POSITIVE_INFINITY : TRIES_BEFORE_FALLBACK };
    const { lease, credential, waited } = await acquireKey(this.#connection.service, patience, options, demand, excluded);
    this.#stats.acquired += 1;
    const held = new HeldLease(lease, { calls: this.#calls, stats: this.#stats, callMsMax, ttlMs: options.ttlMs });
    return { held, key: new LeasedKey(held.keyId, credential), waited };
  }

  /** Null: no server answered, and there is a fallback key. */
  async #leaseOrFallBack(options: LeaseOptions, demand: Demand) {
    try {
      return await this.#lease(options, demand, []);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      if (!(error instanceof KeyLeaseUnavailable)) {
        this.#stats.refused += 1;
        throw error;
      }
      this.#stats.unavailable += 1;
      if (this.#options.fallback === undefined) throw error;
      this.#stats.fallbacks += 1;
      return null;
    }
  }

  #fallback(): LeasedKey {
    const { key, headerName } = this.#options.fallback!;
    return fallbackKey(key, headerName);
  }

  async #attempt<T>(
    { held, key }: { readonly held: HeldLease; readonly key: LeasedKey },
    { signal }: LeaseOptions,
    demand: Demand,
    run: Run<T>,
    wantsAdvice: boolean,
  ): Promise<Attempt<T>> {
    const start = Date.now();
    const report = async (told: Report): Promise<Advice | null> => {
      if (held.isOver) return null;
      const advice = held.report({ requestTime: key.readAt ?? start, ...told });
      return wantsAdvice && (told.status === 0 || told.status >= 400) ? this.#inTime(advice) : null;
    };
    let value: T;
    try {
      value = await run(key, held);
    } catch (error) {
      // A key that was never looked at was never sent; and of several requests, those that were not made are given back.
      const isTold = key.readAt === null || held.wasReported;
      const advice = isTold ? null : await report(reportOfError(error, signal?.aborted === true, demand));
      held.release();
      return thrown(error, advice);
    }
    if (value instanceof Response && !held.wasReported) return this.#answered<T>(value, report, held);
    const advice = held.wasReported ? null : await report(reportOfValue(value));
    held.release();
    return returned(value, advice);
  }

  async #answered<T>(response: Response, report: (told: Report) => Promise<Advice | null>, held: HeldLease): Promise<Attempt<T>> {
    const { status, headers } = response;
    const responseTime = Date.now();
    if (status >= 400) {
      const { text, response: whole } = await errorBody(response);
      const advice = await report({ status, headers, errorBody: text, responseTime });
      held.release();
      return returned(whole as T, advice);
    }
    const isJson = /json/i.test(headers.get('content-type') ?? '');
    if (response.body !== null && !isJson) void report({ status, headers, responseTime, inProgress: true });
    const onEnd = ({ usage, error }: BodyTold) => {
      const failed = error === undefined ? {} : { status: error.status, errorBody: error.body };
      void report({ status, headers, responseTime, ...(usage === undefined ? {} : { usage }), ...failed });
      held.release();
    };
    // No function of this scope may refer to the watched response: it would never be collected, and so never be settled.
    return returned(watched(response, onEnd) as T, null);
  }

  /** An answer that takes longer than a server may is no advice. */
  async #inTime(advice: Promise<Advice | null>): Promise<Advice | null> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), this.#options.deadlineMs);
    });
    return Promise.race([advice, timeout]).finally(() => clearTimeout(timer));
  }
}

/** The same from another key: time spent in line is taken off what the caller has for it. */
function withTimeLeft(options: LeaseOptions, waited: Duration | undefined): LeaseOptions {
  if (options.maxWaitMs === undefined || waited === undefined) return options;
  return { ...options, maxWaitMs: Math.max(0, options.maxWaitMs - fromDuration(waited)) };
}

function returned<T>(value: T, advice: Advice | null): Attempt<T> {
  const discard = () => void (value instanceof Response && value.body?.cancel().catch(() => {}));
  return { advice, give: () => value, discard };
}

function thrown<T>(error: unknown, advice: Advice | null): Attempt<T> {
  return {
    advice,
    give: () => {
      throw error;
    },
    discard: () => {},
  };
}
