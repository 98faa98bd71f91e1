import { type AcquireOutcome, type AcquireRequest, acquire, type Chance } from '../pool/acquire.ts';
import { Line, type Waiter } from '../pool/line.ts';
import type { Change, PoolConfig } from '../pool/model.ts';
import type { Millis, ModelClass } from '../pool/upstream.ts';
import { type Store, StoreLost } from '../store/store.ts';
import type { Expiry } from './expiry.ts';
import type { Problem } from './problem.ts';

/** The wait ends this long before the call's own deadline, so that the answer still arrives. */
const ANSWER_MARGIN_MS = 50;

const TIMER_MAX_MS = 60_000;

const STORE_LOST: Problem = { kind: 'unavailable', why: 'store_lost' };

/** What became of a call that waited. */
export interface Waited {
  readonly result: AcquireOutcome | Problem;
  readonly now: Millis;
  readonly waitedMs: number;
}

/** What is known of a call that waits, besides what it asks for. */
export interface Patience {
  readonly maxWaitMs: number;
  /** Until the call's own deadline; infinite: it has none. */
  readonly deadlineMs: number;
  /** Calls back when nobody waits for the answer any more; answers a function that ends this. */
  readonly onCancel: (listener: () => void) => () => void;
}

interface WaitingCall extends Waiter {
  readonly request: AcquireRequest;
  readonly answer: (result: AcquireOutcome | Problem) => void;
  timer: NodeJS.Timeout | undefined;
}

export interface WaitingOptions {
  readonly store: Store;
  readonly expiry: Expiry;
  readonly chance: Chance;
  readonly poolOf: (id: string) => PoolConfig | undefined;
}

/** The lines of all pools. */
export class Waiting {
  readonly #with: WaitingOptions;
  readonly #lines = new Map<string, PoolLine>();
  #isDraining = false;

  constructor(options: WaitingOptions) {
    this.#with = options;
    options.store.onChange((change) => this.#lines.get(change.pool)?.wake());
    options.store.onHealth((cause) => cause !== null && this.#dismiss(STORE_LOST));
  }

  size(poolId: string): number {
    return this.#lines.get(poolId)?.size ?? 0;
  }

  /** Whether a call that would rather wait than fail has to queue, because others of its class do. */
  hasLine(poolId: string, modelClass: ModelClass): boolean {
    return this.#lines.get(poolId)?.isEmpty(modelClass) === false;
  }

  /** Whether room of the class is kept for the head of the line, so that a call that does not wait is refused. */
  isKept(poolId: string, modelClass: ModelClass): boolean {
    return this.#lines.get(poolId)?.isKept(modelClass) === true;
  }

  /** A call that does not wait was granted a lease. */
  overtaken(poolId: string, modelClass: ModelClass): void {
    this.#lines.get(poolId)?.overtake(modelClass);
  }

  /** Waits in line; the answer is the lease, or why there is none. */
  wait(pool: PoolConfig, request: AcquireRequest, priority: number, patience: Patience): Promise<Waited> {
    const now = this.#with.store.now();
    if (this.#isDraining) return Promise.resolve({ result: { kind: 'unavailable', why: 'draining' }, now, waitedMs: 0 });
    let line = this.#lines.get(pool.id);
    if (line === undefined) {
      line = new PoolLine(pool.id, this.#with);
      this.#lines.set(pool.id, line);
    }
    return line.wait(pool, request, priority, patience);
  }

  /** A new configuration may have made room. */
  wakeAll(): void {
    for (const line of this.#lines.values()) line.wake();
  }

  /** Answers everybody who waits, and whoever would from now on. */
  drain(): void {
    this.#isDraining = true;
    this.#dismiss({ kind: 'unavailable', why: 'draining' });
  }

  #dismiss(problem: Problem): void {
    for (const line of this.#lines.values()) line.dismiss(problem);
  }
}

/** The line of one pool: woken by what makes room and by the moment at which room opens by itself, never by polling. */
class PoolLine {
  readonly #poolId: string;
  readonly #with: WaitingOptions;
  readonly #line = new Line<WaitingCall>();
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

  isKept(modelClass: ModelClass): boolean {
    return this.#line.isKept(modelClass);
  }

  overtake(modelClass: ModelClass): void {
    this.#line.overtake(modelClass);
  }

  wait(pool: PoolConfig, request: AcquireRequest, priority: number, patience: Patience): Promise<Waited> {
    const arrival = this.#with.store.now();
    const isFull = this.#line.size >= pool.waitersMax || this.#line.sizeOf(request.holder) >= pool.waitersPerHolderMax;
    if (isFull) return Promise.resolve({ result: { kind: 'too_many_waiters', retryTime: null }, now: arrival, waitedMs: 0 });
    return new Promise((resolve) => {
      const answer = (result: AcquireOutcome | Problem) => {
        clearTimeout(call.timer);
        forget();
        const now = this.#with.store.now();
        resolve({ result, now, waitedMs: now - arrival });
      };
      const { holder, modelClass } = request;
      const call: WaitingCall = { holder, modelClass, priority, arrival, overtaken: 0, request, answer, timer: undefined };
      const boundMs = Math.min(patience.maxWaitMs, pool.waitMaxMs, patience.deadlineMs - ANSWER_MARGIN_MS);
      call.timer = setTimeout(() => this.#giveUp(call), Math.max(0, boundMs));
      const forget = patience.onCancel(() => this.#leave(call, { kind: 'cancelled' }));
      this.#line.add(call);
      this.wake();
    });
  }

  /** Something may have made room: whoever fits is served at the end of this turn of the event loop. */
  wake(): void {
    if (this.#isScheduled || this.#line.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#serve();
    });
  }

  dismiss(problem: Problem): void {
    for (const call of this.#line.all()) this.#leave(call, problem);
    clearTimeout(this.#timer);
  }

  #leave(call: WaitingCall, problem: AcquireOutcome | Problem): void {
    if (this.#line.remove(call)) call.answer(problem);
    this.wake();
  }

  /** The time is over: one last look, so that the refusal says when to come back. */
  #giveUp(call: WaitingCall): void {
    if (!this.#line.remove(call)) return;
    this.#attempt(call, false);
    this.wake();
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
    for (const modelClass of this.#line.classes()) nextTime = Math.min(nextTime, this.#serveClass(modelClass));
    this.#setTimer(nextTime);
  }

  /** Serves whoever fits, and answers when the first of those who do not will. */
  #serveClass(modelClass: ModelClass): Millis {
    for (;;) {
      let nextTime = Number.POSITIVE_INFINITY;
      const served = this.#line.eligible(modelClass).some((call) => {
        const retryTime = this.#attempt(call, true);
        if (retryTime !== null) nextTime = Math.min(nextTime, retryTime);
        return retryTime === null;
      });
      if (!served) return nextTime;
    }
  }

  /** Tries to lease for one call. null: it has left the line; a time: when it would fit. */
  #attempt(call: WaitingCall, inLine: boolean): Millis | null {
    const found = this.#decide(call);
    if (inLine && found.outcome.kind === 'exhausted') return found.outcome.retryTime ?? Number.POSITIVE_INFINITY;
    if (inLine) this.#line.serve(call);
    if (found.change === null) {
      call.answer(found.outcome);
      return null;
    }
    this.#with.store.apply(found.change).then(
      (applied) => {
        if (applied === 'applied') call.answer(found.outcome);
        else if (inLine) this.#again(call);
        else call.answer({ kind: 'unavailable', why: 'contended' });
      },
      () => call.answer(STORE_LOST),
    );
    return null;
  }

  #decide(call: WaitingCall): { outcome: AcquireOutcome | Problem; change: Change | null } {
    const pool = this.#with.poolOf(this.#poolId);
    if (pool === undefined) return { outcome: { kind: 'not_found', resource: 'pool', name: this.#poolId }, change: null };
    try {
      return acquire(this.#with.store.read(pool), call.request, this.#with.chance);
    } catch (fault) {
      if (fault instanceof StoreLost) return { outcome: STORE_LOST, change: null };
      throw fault;
    }
  }

  /** Others changed the records meanwhile: back into the line, where the call's time still runs. */
  #again(call: WaitingCall): void {
    this.#line.add(call);
    this.wake();
  }

  #setTimer(time: Millis): void {
    clearTimeout(this.#timer);
    if (time === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(TIMER_MAX_MS, Math.max(1, time - this.#with.store.now()));
    this.#timer = setTimeout(() => this.wake(), wait);
  }
}
