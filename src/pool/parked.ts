import type { Millis } from './upstream.ts';

/** Places set aside until a time, or until they are released. */
export class Parked {
  readonly #times = new Map<number, Millis | null>();
  /** Sorted so that the earliest is last; a time in it may be older than the place's. */
  #queue: { readonly place: number; readonly time: Millis }[] = [];
  #isSorted = true;

  /** null: no time is known. */
  park(place: number, time: Millis | null): void {
    this.#times.set(place, time);
    if (time === null) return;
    const earliest = this.#queue.at(-1);
    this.#isSorted &&= earliest === undefined || time <= earliest.time;
    this.#queue.push({ place, time });
  }

  release(place: number): void {
    this.#times.delete(place);
  }

  /** The places whose time has come, no longer set aside. */
  due(now: Millis): readonly number[] {
    if (!this.#isSorted) this.#queue.sort((a, b) => b.time - a.time);
    this.#isSorted = true;
    const due: number[] = [];
    for (let next = this.#queue.at(-1); next !== undefined && next.time <= now; next = this.#queue.at(-1)) {
      this.#queue.pop();
      if (this.#times.get(next.place) !== next.time) continue;
      this.#times.delete(next.place);
      due.push(next.place);
    }
    return due;
  }
}
