import { setTimeout as sleep } from 'node:timers/promises';
import { AcquireKeyRequest, ReleaseLeaseRequest, ReportHeadersRequest } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { type Asked, type Caller, streamCaller, unaryCaller } from './caller.ts';
import { type Answer, type Ask, type Call, moment, type ToldLease } from './journal.ts';
import { USAGE } from './pools.ts';
import type { Replica } from './replica.ts';

/** Most give up soon; a patient one still waits when a replica that was stopped goes on. */
const DEADLINE_MS = 1_500;
const PATIENCE_MS = 8_000;

/** How often one request id is asked for again while nobody knows what became of it. */
const TRIES_MAX = 12;

interface Worker {
  readonly holder: string;
  readonly pool: string;
  readonly open: (address: string) => Caller;
  readonly deadlineMs: number;
}

const WORKERS: readonly Worker[] = ['slots', 'slots', 'slots', 'window', 'usage'].flatMap((pool, place) => [
  { holder: `unary-${place}`, pool, open: unaryCaller, deadlineMs: DEADLINE_MS },
  { holder: `stream-${place}`, pool, open: streamCaller, deadlineMs: DEADLINE_MS },
  { holder: `patient-${place}`, pool, open: place % 2 === 0 ? unaryCaller : streamCaller, deadlineMs: PATIENCE_MS },
]);

/** Clients of all replicas, each of which acquires, then reports, releases or forgets, one lease after the other. */
export class Load {
  /** Every call so far, in the order of its answer. */
  readonly calls: Call[] = [];
  readonly #replicas: readonly Replica[];
  readonly #random: () => number;
  readonly #callers = new Map<string, Caller>();
  readonly #working: Promise<unknown>[];
  #isOver = false;
  #names = 0;

  constructor(replicas: readonly Replica[], random: () => number) {
    this.#replicas = replicas;
    this.#random = random;
    this.#working = WORKERS.map((worker) => this.#work(worker));
  }

  /** No new lease is asked for; done once every call is answered. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#working);
    for (const caller of this.#callers.values()) caller.close();
  }

  async #work(worker: Worker): Promise<void> {
    while (!this.#isOver) {
      const requests = worker.pool === USAGE.pool ? 1 + Math.floor(this.#random() * 3) : 1;
      const requestId = this.#name();
      const lease = await this.#acquire(worker, requestId, requests);
      if (lease === null) {
        await sleep(40 + this.#random() * 40);
        continue;
      }
      await sleep(10 + this.#random() * 60);
      // A repetition, elsewhere, of what was granted already.
      if (this.#random() < 0.2) await this.#ask(worker, this.#anyReplica(), { kind: 'acquire', requestId, requests });
      await this.#end(worker, lease);
    }
  }

  /** Until somebody knows: again with the same id, at another replica. */
  async #acquire(worker: Worker, requestId: string, requests: number): Promise<ToldLease | null> {
    let replica = this.#anyReplica();
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const answer = await this.#ask(worker, replica, { kind: 'acquire', requestId, requests });
      if (answer.kind === 'lease') return answer.lease.isActive ? answer.lease : null;
      if (answer.kind === 'refused') return null;
      await sleep(50 + this.#random() * 100);
      replica = this.#replicas[(replica.number + 1) % this.#replicas.length] as Replica;
    }
    return null;
  }

  async #end(worker: Worker, { id: leaseId, requests }: ToldLease): Promise<void> {
    const draw = this.#random();
    if (draw < 0.08) return;
    if (draw < 0.25) {
      await this.#ask(worker, this.#anyReplica(), { kind: 'release', leaseId });
      return;
    }
    // Of several requests each has a report of its own; the report on a single one is told twice. All at once, to different replicas.
    const reports = Array.from({ length: Math.max(2, requests) }, () => this.#name());
    await Promise.all(reports.map((reportId) => this.#ask(worker, this.#anyReplica(), { kind: 'report', leaseId, reportId })));
  }

  async #ask({ holder, pool, open, deadlineMs }: Worker, { number, address }: Replica, ask: Ask): Promise<Answer> {
    const sent = moment();
    const answer = address === null ? GONE : await this.#callerOf(holder, address, open).call(askedFor(pool, ask), deadlineMs);
    this.calls.push({ holder, pool, replica: number, sent, answered: moment(), ask, answer });
    return answer;
  }

  #callerOf(holder: string, address: string, open: Worker['open']): Caller {
    const name = `${holder} ${address}`;
    let caller = this.#callers.get(name);
    if (caller === undefined) {
      caller = open(address);
      this.#callers.set(name, caller);
    }
    return caller;
  }

  #anyReplica(): Replica {
    return this.#replicas[Math.floor(this.#random() * this.#replicas.length)] as Replica;
  }

  #name(): string {
    this.#names += 1;
    return `n${this.#names}`;
  }
}

const GONE: Answer = { kind: 'unknown', status: 'GONE' };

function askedFor(pool: string, ask: Ask): Asked {
  switch (ask.kind) {
    case 'acquire': {
      const { requestId, requests } = ask;
      const tokens = pool === USAGE.pool ? { estimatedInputTokens: requests * USAGE.tokensEach } : {};
      return { $case: 'acquireKey', value: AcquireKeyRequest.fromPartial({ pool, requestId, requests, ...tokens }) };
    }
    case 'report': {
      const usage = { inputTokens: USAGE.tokensEach };
      return { $case: 'reportHeaders', value: ReportHeadersRequest.fromPartial({ leaseId: ask.leaseId, statusCode: 200, usage }) };
    }
    case 'release':
      return { $case: 'releaseLease', value: ReleaseLeaseRequest.fromPartial({ leaseId: ask.leaseId }) };
    default:
      return ask satisfies never;
  }
}
