import { Arrivals } from './arrivals.ts';
import type { Millis, ModelClass } from './upstream.ts';

/** What a priority is worth at most: between two of them, whoever waited twice that longer comes first. */
const PRIORITY_WORTH_MS = 60_000;

/** The priority that is worth half of it. */
const HALF_WORTH_PRIORITY = 4;

/** One who waits. */
export interface Waiter {
  readonly holder: string;
  readonly modelClass: ModelClass;
  readonly priority: number;
  readonly arrival: Millis;
}

/** How many milliseconds of waiting a priority is worth. Grows with the priority, and never beyond the bound. */
export function worthMs(priority: number): number {
  return (PRIORITY_WORTH_MS * priority) / (Math.abs(priority) + HALF_WORTH_PRIORITY);
}

/** The calls of one holder, who has one turn with them. */
interface Turn<W> {
  readonly calls: Arrivals<W>;
}

/** The calls of one priority in one class: each holder in turn, and of one holder who came first. */
export class Level<W extends Waiter> {
  /** How often others were served before whose turn it was, since one was served in turn; who leaves hands this on to the next. */
  overtaken = 0;
  readonly #worth: number;
  readonly #byArrival = new Arrivals<W>();
  readonly #turns = new Arrivals<Turn<W>>();
  readonly #turnOf = new Map<string, Turn<W>>();

  constructor(priority: number) {
    this.#worth = worthMs(priority);
  }

  get isEmpty(): boolean {
    return this.#byArrival.size === 0;
  }

  /** Whose turn it is. */
  head(): W | undefined {
    return this.#turns.first?.calls.first;
  }

  /** When its longest waiting call came, less what the priority is worth. */
  get rank(): number {
    return this.#rankOf(this.#byArrival.first);
  }

  add(waiter: W): void {
    this.#byArrival.add(waiter);
    let turn = this.#turnOf.get(waiter.holder);
    if (turn === undefined) {
      turn = { calls: new Arrivals() };
      this.#turnOf.set(waiter.holder, turn);
      this.#turns.add(turn);
    }
    turn.calls.add(waiter);
  }

  remove(waiter: W): boolean {
    const turn = this.#turnOf.get(waiter.holder);
    if (!this.#byArrival.delete(waiter) || turn === undefined) return false;
    turn.calls.delete(waiter);
    if (turn.calls.size > 0) return true;
    this.#turnOf.delete(waiter.holder);
    this.#turns.delete(turn);
    return true;
  }

  endTurn(holder: string): void {
    const turn = this.#turnOf.get(holder);
    if (turn === undefined) return;
    this.#turns.delete(turn);
    this.#turns.add(turn);
  }

  /** Reads the level in turns, with its rank as it would be if what was read were served. */
  reading(): { rank: number; take(): W | undefined } {
    const inTurns = turnsOf(this.#turns.values());
    const byArrival = this.#byArrival.values();
    const taken = new Set<W>();
    let oldest = byArrival.next().value;
    const take = () => {
      const next = inTurns.next().value;
      if (next !== undefined) taken.add(next);
      while (oldest !== undefined && taken.has(oldest)) oldest = byArrival.next().value;
      reading.rank = this.#rankOf(oldest);
      return next;
    };
    const reading = { rank: this.#rankOf(oldest), take };
    return reading;
  }

  #rankOf(oldest: W | undefined): number {
    return oldest === undefined ? Number.POSITIVE_INFINITY : oldest.arrival - this.#worth;
  }
}

/** The first call of each holder, then the second of each, and so on; looks no further than it is read. */
function* turnsOf<W>(turns: Iterable<Turn<W>>): Generator<W, undefined> {
  let round: Iterable<Generator<W, undefined>> = eachOf(turns);
  for (;;) {
    const goingOn: Generator<W, undefined>[] = [];
    for (const calls of round) {
      const { value, done } = calls.next();
      if (done) continue;
      goingOn.push(calls);
      yield value;
    }
    if (goingOn.length === 0) return undefined;
    round = goingOn;
  }
}

function* eachOf<W>(turns: Iterable<Turn<W>>): Generator<Generator<W, undefined>> {
  for (const { calls } of turns) yield calls.values();
}
