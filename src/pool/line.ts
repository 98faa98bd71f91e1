import { Level, type Waiter } from './level.ts';
import type { ModelClass } from './upstream.ts';

/** How often others may take room before one that waits for more than there is; then what it waits for is kept for it. */
export const OVERTAKINGS_MAX = 16;

/** How many are looked at, so that one who fits does not stand behind those who do not. */
export const LOOK_BEHIND_MAX = 32;

/**
 * Who is served next: by priority, which waiting makes up for; at the same priority each holder in turn; and of one holder who came
 * first. Model classes have lines of their own, for they wait for different things. A step costs the same however many wait; it costs
 * more only with the number of different priorities.
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
    const level = line?.first();
    const isHead = level?.head() === waiter;
    if (!this.remove(waiter)) return;
    if (level !== undefined) level.overtaken = isHead ? 0 : level.overtaken + 1;
    line?.endTurn(waiter);
  }

  /** Somebody who does not wait took room that the head of the class could have waited for. */
  overtake(modelClass: ModelClass): void {
    const level = this.#classes.get(modelClass)?.first();
    if (level !== undefined) level.overtaken += 1;
  }

  /** The head of the class, once heads were overtaken so often that what it waits for is kept for it. */
  kept(modelClass: ModelClass): W | undefined {
    const level = this.#classes.get(modelClass)?.first();
    return level !== undefined && level.overtaken >= OVERTAKINGS_MAX ? level.head() : undefined;
  }

  /** The classes that have a line, the one whose head is to be served first in front. */
  classes(): ModelClass[] {
    if (this.#classes.size === 1) return [...this.#classes.keys()];
    const heads = [...this.#classes].map(([modelClass, line]) => ({ modelClass, rank: line.first()?.rank ?? 0 }));
    return heads.sort((a, b) => a.rank - b.rank).map(({ modelClass }) => modelClass);
  }

  /** Those of a class that may be served now, in order: the head and some behind it. To be read before the line changes. */
  eligible(modelClass: ModelClass): Iterable<W> {
    return this.#classes.get(modelClass)?.inOrder().take(LOOK_BEHIND_MAX) ?? [];
  }

  #count({ holder }: W, change: 1 | -1): void {
    this.#size += change;
    const count = this.sizeOf(holder) + change;
    if (count === 0) this.#byHolder.delete(holder);
    else this.#byHolder.set(holder, count);
  }
}

/** One class, by priority. */
class ClassLine<W extends Waiter> {
  readonly #levels = new Map<number, Level<W>>();

  get isEmpty(): boolean {
    return this.#levels.size === 0;
  }

  /** The level whose turn it is; undefined: nobody waits. */
  first(): Level<W> | undefined {
    let soonest: Level<W> | undefined;
    for (const level of this.#levels.values()) if (soonest === undefined || level.rank < soonest.rank) soonest = level;
    return soonest;
  }

  add(waiter: W): void {
    let level = this.#levels.get(waiter.priority);
    if (level === undefined) {
      level = new Level(waiter.priority);
      this.#levels.set(waiter.priority, level);
    }
    level.add(waiter);
  }

  remove(waiter: W): boolean {
    const level = this.#levels.get(waiter.priority);
    if (level === undefined || !level.remove(waiter)) return false;
    if (level.isEmpty) this.#levels.delete(waiter.priority);
    return true;
  }

  endTurn(waiter: W): void {
    this.#levels.get(waiter.priority)?.endTurn(waiter.holder);
  }

  /** The calls in the order in which they would be served one after the other. */
  *inOrder(): Generator<W, undefined> {
    const levels = [...this.#levels.values()].map((level) => level.reading());
    for (;;) {
      const next = levels.reduce((a, b) => (b.rank < a.rank ? b : a)).take();
      if (next === undefined) return undefined;
      yield next;
    }
  }
}
