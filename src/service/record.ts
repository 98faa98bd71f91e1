import { createHmac, randomBytes } from 'node:crypto';
import type { PoolConfig } from '../pool/model.ts';
import type { Headers, Millis, ModelClass, Provider, Usage } from '../pool/upstream.ts';
import { type AcquireAnswer, type AcquireCall, type LeaseApi, type Leases, type LeasesOptions, leaseApi } from './leases.ts';
import type { Answer } from './problem.ts';
import type { ReportCall } from './read-report.ts';

/** An acquire as a trace keeps it. Holders and limit groups are told apart by a hash under a key that the trace does not contain. */
export interface TracedAcquire {
  readonly kind: 'acquire';
  /** When the caller asked. */
  readonly time: Millis;
  readonly pool: string;
  readonly provider: string;
  readonly modelClass: ModelClass;
  readonly holder: string;
  readonly requests: number;
  /** null: the caller gave no estimate. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly waitedMs: number;
  /** Counts leases from 1; null: there was none. */
  readonly lease: number | null;
  readonly key: string | null;
  readonly group: string | null;
}

/** A report as a trace keeps it: of the headers the rate limits alone, of the body nothing. */
export interface TracedReport {
  readonly kind: 'report';
  readonly time: Millis;
  readonly lease: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly usage: Usage | null;
  readonly requestTime: Millis | null;
  readonly responseTime: Millis | null;
  readonly inProgress: boolean;
}

export type Traced = TracedAcquire | TracedReport;

/** Takes one line at a time; never throws, and never makes a caller wait. */
export interface TraceWriter {
  write(line: string): void;
}

/** Leases whose reports are still awaited; older ones are forgotten, as if never reported. */
const LEASES_MAX = 100_000;

/** Values that can be nothing but numbers, durations and dates: whatever else a caller sends may be a secret. */
const HARMLESS =
  /^(?:-?\d{1,20}(?:\.\d{1,9})?|(?:\d{1,9}(?:\.\d{1,9})?(?:h|ms|m|s|us|µs|μs|ns))+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)$/;

const ALWAYS_KEPT = ['date', 'retry-after', 'retry-after-ms', 'x-ms-retry-after-ms'];

/** Writes down what callers ask and report, without anything that is secret. */
export class Recorder {
  readonly #writer: TraceWriter;
  readonly #salt: Uint8Array;
  readonly #leases = new Map<string, number>();
  readonly #kept = new Map<string, ReadonlySet<string>>();
  #count = 0;

  constructor(writer: TraceWriter, salt: Uint8Array = randomBytes(32)) {
    this.#writer = writer;
    this.#salt = salt;
  }

  /** `time` is when the caller asked. A class that is no more than a model's name as the caller wrote it is hashed. */
  acquired(holder: string, call: AcquireCall, pool: PoolConfig, named: ModelClass, time: Millis, answer: Answer<AcquireAnswer>): void {
    const granted = answer.ok && answer.value.end === null ? answer.value : null;
    const modelClass = named === '' || pool.modelClasses.some(({ id }) => id === named) ? named : this.#hash(named);
    const waitedMs = answer.now - time;
    this.#write({
      ...{ kind: 'acquire', time, pool: pool.id, provider: pool.provider.name, modelClass, holder: this.#hash(holder) },
      ...{ requests: call.requests, inputTokens: call.inputTokens, outputTokens: call.outputTokens, waitedMs },
      lease: granted === null ? null : this.#number(granted.lease.id),
      key: granted?.lease.keyId ?? null,
      group: granted === null ? null : this.#hash(granted.lease.group),
    });
  }

  /** A report on a lease that was granted before the recording began is left out. */
  reported(call: ReportCall, provider: Provider, isOver: boolean, now: Millis): void {
    const lease = this.#leases.get(call.leaseId);
    if (lease === undefined) return;
    if (isOver) this.#leases.delete(call.leaseId);
    const { status, usage, requestTime, responseTime, inProgress } = call;
    const headers = this.#harmless(call.headers, provider);
    this.#write({ kind: 'report', time: now, lease, status, headers, usage, requestTime, responseTime, inProgress });
  }

  #write(traced: Traced): void {
    this.#writer.write(`${JSON.stringify(traced)}\n`);
  }

  #number(leaseId: string): number {
    const known = this.#leases.get(leaseId);
    if (known !== undefined) return known;
    this.#count += 1;
    this.#leases.set(leaseId, this.#count);
    if (this.#leases.size > LEASES_MAX) this.#leases.delete(this.#leases.keys().next().value as string);
    return this.#count;
  }

  #hash(name: string): string {
    return createHmac('sha256', this.#salt).update(name).digest('hex').slice(0, 12);
  }

  #harmless(headers: Headers, provider: Provider): Readonly<Record<string, string>> {
    let kept = this.#kept.get(provider.name);
    if (kept === undefined) {
      const names = (provider.limits ?? []).flatMap(({ limit, remaining, reset }) => [
        limit,
        remaining,
        ...(reset === null ? [] : [reset]),
      ]);
      kept = new Set([...ALWAYS_KEPT, ...names]);
      this.#kept.set(provider.name, kept);
    }
    return Object.fromEntries([...headers].filter(([name, value]) => kept.has(name) && HARMLESS.test(value)));
  }
}

/** Around the calls of programs: each acquire and report is written down once it is answered. */
export function recorded(leases: Leases, recorder: Recorder, { store, pools }: Pick<LeasesOptions, 'store' | 'pools'>): LeaseApi {
  return {
    ...leaseApi(leases),
    async acquire(holder, call, caller) {
      const time = store.now();
      const answer = await leases.acquire(holder, call, caller);
      const pool = pools.named(call.pool);
      if (pool !== undefined) recorder.acquired(holder, call, pool, leases.modelClass(pool, call.model), time, answer);
      return answer;
    },
    async report(holder, call) {
      const answer = await leases.report(holder, call);
      const pool = answer.ok ? pools.ofLease(answer.value.lease.pool) : undefined;
      if (answer.ok && pool !== undefined) recorder.reported(call, pool.provider, answer.value.end !== null, answer.now);
      return answer;
    },
  };
}
