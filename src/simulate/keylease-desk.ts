import { type AcquireOutcome, type AcquireRequest, acquire, type Chance, refuse } from '../pool/acquire.ts';
import { acquireBeside } from '../pool/kept.ts';
import { end } from '../pool/lease.ts';
import type { Waiter } from '../pool/level.ts';
import { Line } from '../pool/line.ts';
import type { Change, Facts, Lease, PoolConfig } from '../pool/model.ts';
import { report } from '../pool/report.ts';
import type { RetryAdvice } from '../pool/retry.ts';
import { type KeyView, keyView } from '../pool/status.ts';
import type { Millis, ModelClass } from '../pool/upstream.ts';
import { readReport } from '../service/read-report.ts';
import { Tables } from '../store/tables.ts';
import type { Desk, DeskAnswer, DeskReport } from './desk.ts';
import type { EventQueue } from './events.ts';
import type { Random } from './random.ts';
import type { Call } from './scenario.ts';

interface WaitingCall extends Waiter {
  readonly request: AcquireRequest;
  readonly answer: (answer: DeskAnswer) => void;
}

/** The rules and tables of keylease in virtual time: every decision is applied in the moment in which it is taken. */
export class KeyleaseDesk implements Desk {
  readonly #pool: PoolConfig;
  readonly #queue: EventQueue;
  readonly #tables = new Tables();
  readonly #line = new Line<WaitingCall>();
  readonly #chance: Chance;
  #minted = 0;
  #isScheduled = false;
  #wakeTime = Number.POSITIVE_INFINITY;

  constructor(pool: PoolConfig, queue: EventQueue, random: Random) {
    this.#pool = pool;
    this.#queue = queue;
    this.#chance = { random, mintLeaseId: () => `lease-${++this.#minted}` };
  }

  acquire(call: Call, excluded: ReadonlySet<string>, waitMaxMs: number, answer: (answer: DeskAnswer) => void): void {
    const request = requestOf(call, excluded);
    const { modelClass } = request;
    const isPatient = waitMaxMs > 0;
    const outcome = isPatient && !this.#line.isEmpty(modelClass) ? null : this.#decide(request);
    if (outcome === null || (isPatient && outcome.kind === 'exhausted')) this.#wait(request, waitMaxMs, answer);
    else answer(answerOf(outcome));
  }

  #decide(request: AcquireRequest): AcquireOutcome {
    const kept = this.#line.kept(request.modelClass) !== undefined;
    const { outcome, change } = kept ? refuse(this.#read(), request) : acquire(this.#read(), request, this.#chance);
    if (outcome.kind !== 'granted') return outcome;
    this.#line.overtake(request.modelClass);
    this.#apply(change);
    return outcome;
  }

  report(told: DeskReport): RetryAdvice {
    const facts = this.#read();
    const granted = told.grant.lease as Lease;
    const lease = facts.lease(granted.id);
    const usage = told.used && { ...told.used, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
    const read = readReport(this.#pool.provider, { ...told, leaseId: granted.id, errorBody: told.body, usage }, facts.now);
    const { outcome, change } = report(facts, lease ?? granted, lease !== undefined, read, this.#chance.random);
    this.#apply(change);
    return outcome.retry;
  }

  states(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { state } of this.#views()) counts.set(state, (counts.get(state) ?? 0) + 1);
    return counts;
  }

  passedOver(): ReadonlySet<string> {
    return new Set(
      this.#views()
        .filter(({ state }) => state === 'cooldown' || state === 'unhealthy')
        .map(({ config }) => config.id),
    );
  }

  #views(): readonly KeyView[] {
    const facts = this.#read();
    return this.#pool.keys.map((config) => keyView(facts, config, null));
  }

  #read(): Facts {
    return this.#tables.read(this.#pool, this.#queue.now);
  }

  #apply(change: Change): void {
    if (!this.#tables.apply(change)) throw new Error('a change rests on records that have moved on');
    for (const { id, expireTime } of change.leases ?? []) this.#queue.at(expireTime, () => this.#expire(id));
    this.#wake();
  }

  #expire(id: string): void {
    const facts = this.#read();
    const lease = facts.lease(id);
    if (lease !== undefined && lease.expireTime <= facts.now) this.#apply(end(facts, lease, 'expired').change);
  }

  #wait(request: AcquireRequest, waitMaxMs: number, answer: (answer: DeskAnswer) => void): void {
    if (this.#line.size >= this.#pool.waitersMax) {
      answer({ kind: 'refused', retryTime: this.#queue.now + FULL_RETRY_MS });
      return;
    }
    const { holder, modelClass } = request;
    const waiting: WaitingCall = { holder, modelClass, priority: 0, arrival: this.#queue.now, request, answer };
    this.#line.add(waiting);
    this.#queue.at(this.#queue.now + waitMaxMs, () => {
      if (!this.#line.remove(waiting)) return;
      answer(answerOf(refuse(this.#read(), request).outcome));
      this.#wake();
    });
    this.#wake();
  }

  /** Whoever fits is served after everything else that happens in this moment. */
  #wake(): void {
    if (this.#isScheduled || this.#line.size === 0) return;
    this.#isScheduled = true;
    this.#queue.at(this.#queue.now, () => {
      this.#isScheduled = false;
      this.#serve();
    });
  }

  #serve(): void {
    let nextTime = Number.POSITIVE_INFINITY;
    const stuck = new Set<ModelClass>();
    for (;;) {
      const modelClass = this.#line.classes().find((each) => !stuck.has(each));
      if (modelClass === undefined) break;
      const retryTime = this.#serveOne(modelClass);
      if (retryTime === null) continue;
      stuck.add(modelClass);
      nextTime = Math.min(nextTime, retryTime);
    }
    this.#wakeAt(nextTime);
  }

  /** Serves the first of a class who fits. null: there was one; a time: when the first of them will. */
  #serveOne(modelClass: ModelClass): Millis | null {
    let nextTime = Number.POSITIVE_INFINITY;
    const kept = this.#line.kept(modelClass);
    for (const waiting of this.#line.eligible(modelClass)) {
      const { request } = waiting;
      const { outcome, change } =
        kept === undefined || kept === waiting
          ? acquire(this.#read(), request, this.#chance)
          : acquireBeside(this.#read(), request, kept.request, this.#chance);
      if (outcome.kind === 'exhausted') {
        nextTime = Math.min(nextTime, outcome.retryTime ?? Number.POSITIVE_INFINITY);
        continue;
      }
      this.#line.serve(waiting);
      this.#apply(change);
      waiting.answer(answerOf(outcome));
      return null;
    }
    return nextTime;
  }

  #wakeAt(time: Millis): void {
    if (time === Number.POSITIVE_INFINITY) return;
    const moment = Math.max(time, this.#queue.now + 1);
    if (this.#wakeTime > this.#queue.now && this.#wakeTime <= moment) return;
    this.#wakeTime = moment;
    this.#queue.at(moment, () => this.#wake());
  }
}

/** When to ask again where the line is full. */
const FULL_RETRY_MS = 1_000;

function requestOf(call: Call, excluded: ReadonlySet<string>): AcquireRequest {
  const { holder, modelClass, estimatedInput: inputTokens, estimatedOutput: outputTokens } = call;
  const plain = { requests: 1, ttlMs: null, affinity: '', requestId: '', contentHash: '' };
  return { ...plain, holder, modelClass, inputTokens, outputTokens, excluded };
}

function answerOf(outcome: AcquireOutcome): DeskAnswer {
  if (outcome.kind === 'granted') return { kind: 'granted', grant: { keyId: outcome.lease.keyId, lease: outcome.lease } };
  return { kind: 'refused', retryTime: outcome.kind === 'exhausted' ? outcome.retryTime : null };
}
