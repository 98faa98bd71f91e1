import { type AcquireOutcome, type AcquireRequest, acquire, type Chance, refuse } from '../pool/acquire.ts';
import { acquireBeside } from '../pool/kept.ts';
import { Line } from '../pool/line.ts';
import type { Facts, PoolConfig } from '../pool/model.ts';
import type { Refusal } from '../pool/refusal.ts';
import type { Millis, ModelClass } from '../pool/upstream.ts';
import type { Store } from '../store/store.ts';
import type { Expiry } from './expiry.ts';
import type { Problem } from './problem.ts';
import type { Patience, Waited, WaitingCall } from './waiting-call.ts';

/** The wait ends this long before the call's own deadline, so that the answer still arrives. */
const ANSWER_MARGIN_MS = 50;

/** When to ask again where the line is full: nobody knows when a place is free. */
const FULL_RETRY_MS = 1_000;

const TIMER_MAX_MS = 60_000;

/** Served in one turn of the event loop, so that other calls are not held up by a long line. */
const SERVED_IN_TURN_MAX = 256;

type Exhausted = Extract<Refusal, { kind: 'exhausted' }>;

export interface WaitingOptions {
  readonly store: Store;
  readonly expiry: Expiry;
  readonly chance: Chance;
  readonly poolOf: (id: string) => PoolConfig | undefined;
}

/** The line of one pool: woken by what makes room and by the moment at which room opens by itself, never by polling. */
export class PoolLine {
  readonly #poolId: string;
  readonly #with: WaitingOptions;
  readonly #line = new Line<WaitingCall>();
  /** Those in line, and those for whom a lease is being stored. */
  readonly #calls = new Set<WaitingCall>();
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(poolId: string, options: WaitingOptions) {
    this.#poolId = poolId;
    this.#with = options;
  }

  get size(): number {
    return this.#line.size;
  }

  isEmpty(modelClass: ModelClass): boolean {
    return this.#line.isEmpty(modelClass);
  }

  /** What the head of the class asks for, once what it waits for is kept for it. */
  kept(modelClass: ModelClass): AcquireRequest | undefined {
    return this.#line.kept(modelClass)?.request;
  }

  overtake(modelClass: ModelClass): void {
    this.#line.overtake(modelClass);
  }

  wait(pool: PoolConfig, request: AcquireRequest, priority: number, patience: Patience): Promise<Waited> {
    const arrival = this.#with.store.now();
    const atOnce = (result: Problem) => Promise.resolve({ result, now: arrival, waitedMs: 0 });
    if (patience.cancelled()) return atOnce({ kind: 'cancelled' });
    const isRepeated = this.#isRepeated(pool, request);
    const limit = patience.holderWaitersMax ?? null;
    if (limit !== null && this.#line.sizeOf(request.holder) >= limit && !isRepeated)
      return atOnce({ kind: 'holder_limited', cap: 'max_waiters', limit, retryTime: arrival + FULL_RETRY_MS });
    const isFull = this.#line.size >= pool.waitersMax || this.#line.sizeOf(request.holder) >= pool.waitersPerHolderMax;
    if (isFull && !isRepeated) return atOnce({ kind: 'too_many_waiters', retryTime: arrival + FULL_RETRY_MS });
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        forget();
        this.#calls.delete(call);
      };
      const answer = (result: AcquireOutcome | Problem) => {
        leave();
        const now = this.#with.store.now();
        resolve({ result, now, waitedMs: now - arrival });
      };
      const fail = (fault: unknown) => {
        leave();
        reject(fault);
      };
      const { holder, modelClass } = request;
      const call: WaitingCall = { holder, modelClass, priority, arrival, request, answer, fail, farewell: undefined };
      const boundMs = Math.min(patience.maxWaitMs, pool.waitMaxMs, patience.deadlineMs - ANSWER_MARGIN_MS);
      const timer = setTimeout(() => this.#giveUp(call), Math.max(0, boundMs));
      const forget = patience.onCancel(() => this.#leave(call, { kind: 'cancelled' }));
      this.#calls.add(call);
      if (isRepeated) {
        this.#attempt(call);
        return;
      }
      this.#line.add(call);
      this.wake();
    });
  }

  /** Whether the request id has its lease already, for which nobody has to wait. */
  #isRepeated(pool: PoolConfig, { holder, requestId }: AcquireRequest): boolean {
    if (requestId === '') return false;
    const facts = this.#with.store.read(pool);
    return (facts.request(holder, requestId)?.forgetTime ?? facts.now) > facts.now;
  }

  /** Something may have made room: whoever fits is served at the end of this turn of the event loop. */
  wake(): void {
    if (this.#line.size === 0) clearTimeout(this.#timer);
    if (this.#isScheduled || this.#line.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#serve();
    });
  }

  dismiss(problem: Problem): void {
    for (const call of this.#calls) this.#leave(call, problem);
  }

  #leave(call: WaitingCall, result: AcquireOutcome | Problem): void {
    if (this.#line.remove(call)) call.answer(result);
    else call.farewell = result;
    this.wake();
  }

  /** The time is over: one last look where it is the call's turn, else a refusal that says when to come back. */
  #giveUp(call: WaitingCall): void {
    const { modelClass } = call;
    const mayTake = [...this.#line.eligible(modelClass)].includes(call) && (this.#line.kept(modelClass) ?? call) === call;
    const outcome = mayTake ? this.#attempt(call) : this.#decide(call, refuse)?.outcome;
    if (outcome !== undefined) this.#leave(call, outcome);
  }

  #serve(): void {
    const { store, expiry } = this.#with;
    if (expiry.isDue(store.now())) {
      expiry.run().then(
        () => this.wake(),
        () => {},
      );
      return;
    }
    let nextTime = Number.POSITIVE_INFINITY;
    let served = 0;
    const stuck = new Set<ModelClass>();
    const next = () => this.#line.classes().find((modelClass) => !stuck.has(modelClass));
    for (let modelClass = next(); modelClass !== undefined; modelClass = next()) {
      if (served === SERVED_IN_TURN_MAX) {
        this.wake();
        return;
      }
      const retryTime = this.#serveOne(modelClass);
      if (retryTime === null) served += 1;
      else stuck.add(modelClass);
      nextTime = Math.min(nextTime, retryTime ?? nextTime);
    }
    this.#setTimer(nextTime);
  }

  /** Serves the first of a class who fits. null: there was one; a time: when the first of them will. */
  #serveOne(modelClass: ModelClass): Millis | null {
    let nextTime = Number.POSITIVE_INFINITY;
    for (const call of this.#line.eligible(modelClass)) {
      const refusal = this.#attempt(call);
      if (refusal === undefined) return null;
      nextTime = Math.min(nextTime, refusal.retryTime ?? Number.POSITIVE_INFINITY);
    }
    return nextTime;
  }

  /** Tries to lease for one call. undefined: it has left the line; else why it stays. */
  #attempt(call: WaitingCall): Exhausted | undefined {
    const kept = this.#line.kept(call.modelClass) ?? call;
    const found = this.#decide(call, (facts, request) =>
      kept === call ? acquire(facts, request, this.#with.chance) : acquireBeside(facts, request, kept.request, this.#with.chance),
    );
    if (found === undefined) return undefined;
    if (found.outcome.kind === 'exhausted') return found.outcome;
    this.#line.serve(call);
    this.#with.store.apply(found.change).then((applied) => {
      if (applied === 'applied') call.answer(found.outcome);
      else this.#again(call);
    }, call.fail);
    return undefined;
  }

  /** Takes a decision for a call; undefined: that was not possible, and the call has left the line. */
  #decide<T>(call: WaitingCall, decide: (facts: Facts, request: AcquireRequest) => T): T | undefined {
    const pool = this.#with.poolOf(this.#poolId);
    if (pool === undefined) {
      this.#leave(call, { kind: 'not_found', resource: 'pool', name: this.#poolId });
      return undefined;
    }
    try {
      return decide(this.#with.store.read(pool), call.request);
    } catch (fault) {
      this.#line.remove(call);
      call.fail(fault);
      return undefined;
    }
  }

  /** Others changed the records meanwhile: back into the line, where the call's time still runs. */
  #again(call: WaitingCall): void {
    if (call.farewell !== undefined) call.answer(call.farewell);
    else this.#line.add(call);
    this.wake();
  }

  #setTimer(time: Millis): void {
    clearTimeout(this.#timer);
    if (time === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(TIMER_MAX_MS, Math.max(1, time - this.#with.store.now()));
    this.#timer = setTimeout(() => this.wake(), wait);
  }
}
