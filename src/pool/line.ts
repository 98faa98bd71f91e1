import type { Millis, ModelClass } from './upstream.ts';

/** A higher priority is worth at most this much waiting: nobody is overtaken by those who came later than that. */
const PRIORITY_WORTH_MS = 60_000;

/** The priority that is worth half of it. */
const HALF_WORTH_PRIORITY = 4;

/** How often others may take room before one that waits for more than there is; then the class waits behind it. */
export const OVERTAKINGS_MAX = 16;

/** How far behind one that does not fit others are looked at. */
export const LOOK_BEHIND_MAX = 32;

/** One who waits. */
export interface Waiter {
  readonly holder: string;
  readonly modelClass: ModelClass;
  readonly priority: number;
  readonly arrival: Millis;
  /** How often others were served before it although it came first. */
  overtaken: number;
}

/** How many milliseconds of waiting a priority is worth. Grows with the priority, and never beyond the bound. */
export function worthMs(priority: number): number {
  return (PRIORITY_WORTH_MS * priority) / (Math.abs(priority) + HALF_WORTH_PRIORITY);
}

/**
 * Who is served next: by priority, which waiting makes up for; at the same priority each holder in turn; and of one holder who came
 * first. Model classes have lines of their own, for they wait for different things. Every step costs the same however long the line is.
 */
export class Line<W extends Waiter> {
  readonly #classes = new Map<ModelClass, ClassLine<W>>();
  readonly #byHolder = new Map<string, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(holder: string): number {
    return this.#byHolder.get(holder) ?? 0;
  }

  isEmpty(modelClass: ModelClass): boolean {
    return !this.#classes.has(modelClass);
  }

  add(waiter: W): void {
    let line = this.#classes.get(waiter.modelClass);
    if (line === undefined) {
      line = new ClassLine();
      this.#classes.set(waiter.modelClass, line);
    }
    line.add(waiter);
    this.#count(waiter, 1);
  }

  /** Answers whether it was in the line. */
  remove(waiter: W): boolean {
    const line = this.#classes.get(waiter.modelClass);
    if (line === undefined || !line.remove(waiter)) return false;
    if (line.isEmpty) this.#classes.delete(waiter.modelClass);
    this.#count(waiter, -1);
    return true;
  }

  /** Removes one that is served: its holder's turn is over, and the head of its class, if it is another, was overtaken. */
  serve(waiter: W): void {
    const line = this.#classes.get(waiter.modelClass);
    const head = line?.head();
    if (head !== undefined && head !== waiter) head.overtaken += 1;
    line?.endTurn(waiter);
    this.remove(waiter);
  }

  /** Somebody who does not wait took room that the head of the class could have waited for. */
  overtake(modelClass: ModelClass): void {
    const head = this.#classes.get(modelClass)?.head();
    if (head !== undefined) head.overtaken += 1;
  }

  /** Whether room of the class is kept for the one that waits longest for more than there is. */
  isKept(modelClass: ModelClass): boolean {
    return (this.#classes.get(modelClass)?.head()?.overtaken ?? 0) >= OVERTAKINGS_MAX;
  }

  /** The classes that have a line, the one whose head is to be served first in front. */
  classes(): ModelClass[] {
    const heads = [...this.#classes].map(([modelClass, line]) => ({ modelClass, rank: line.rank() }));
    return heads.sort((a, b) => a.rank - b.rank).map(({ modelClass }) => modelClass);
  }

  /** Those of a class that may be served now, in order: the head, and while it has not been overtaken too often some behind it. */
  eligible(modelClass: ModelClass): readonly W[] {
    const line = this.#classes.get(modelClass);
    return line === undefined ? [] : line.first(this.isKept(modelClass) ? 1 : LOOK_BEHIND_MAX);
  }

  all(): readonly W[] {
    return [...this.#classes.values()].flatMap((line) => line.first(Number.POSITIVE_INFINITY));
  }

  #count({ holder }: W, change: 1 | -1): void {
    this.#size += change;
    const count = this.sizeOf(holder) + change;
    if (count === 0) this.#byHolder.delete(holder);
    else this.#byHolder.set(holder, count);
  }
}

/** One class: for each priority the holders in the order of their turns, each with its calls in the order of their arrival. */
class ClassLine<W extends Waiter> {
  readonly #priorities = new Map<number, Map<string, Set<W>>>();

  get isEmpty(): boolean {
    return this.#priorities.size === 0;
  }

  add(waiter: W): void {
    let holders = this.#priorities.get(waiter.priority);
    if (holders === undefined) {
      holders = new Map();
      this.#priorities.set(waiter.priority, holders);
    }
    const calls = holders.get(waiter.holder);
    if (calls === undefined) holders.set(waiter.holder, new Set([waiter]));
    else calls.add(waiter);
  }

  remove(waiter: W): boolean {
    const holders = this.#priorities.get(waiter.priority);
    const calls = holders?.get(waiter.holder);
    if (holders === undefined || calls === undefined || !calls.delete(waiter)) return false;
    if (calls.size === 0) holders.delete(waiter.holder);
    if (holders.size === 0) this.#priorities.delete(waiter.priority);
    return true;
  }

  endTurn({ priority, holder }: W): void {
    const holders = this.#priorities.get(priority);
    const calls = holders?.get(holder);
    if (holders === undefined || calls === undefined) return;
    holders.delete(holder);
    holders.set(holder, calls);
  }

  head(): W | undefined {
    return this.first(1)[0];
  }

  /** The smaller, the sooner: when its longest waiting call came, less what its priority is worth. */
  rank(): number {
    return Math.min(...[...this.#priorities].map(([priority, holders]) => rankOf(priority, holders)));
  }

  /** At most so many calls in the order in which they are to be served. */
  first(count: number): W[] {
    const found: W[] = [];
    const byRank = this.#priorities.size === 1 ? [...this.#priorities] : [...this.#priorities].sort((a, b) => rankOf(...a) - rankOf(...b));
    for (const [, holders] of byRank) {
      for (const waiter of inTurns(holders)) {
        if (found.length >= count) return found;
        found.push(waiter);
      }
    }
    return found;
  }
}

function rankOf<W extends Waiter>(priority: number, holders: ReadonlyMap<string, ReadonlySet<W>>): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (const calls of holders.values())
    for (const { arrival } of calls) {
      oldest = Math.min(oldest, arrival);
      break;
    }
  return oldest - worthMs(priority);
}

/** The first call of each holder, then the second of each, and so on. */
function* inTurns<W>(holders: ReadonlyMap<string, ReadonlySet<W>>): Generator<W> {
  let turns = [...holders.values()].map((calls) => calls.values());
  while (turns.length > 0) {
    const goingOn: typeof turns = [];
    for (const calls of turns) {
      const { value, done } = calls.next();
      if (done) continue;
      yield value;
      goingOn.push(calls);
    }
    turns = goingOn;
  }
}
