import TinyQueue from 'tinyqueue';
import type { Millis } from '../pool/upstream.ts';

/** Which ids are due when. Holds as much as is filed, plus a number for each millisecond that had something filed. */
export class DueTimes<T> {
  readonly #byId = new Map<string, { time: Millis; value: T }>();
  readonly #byTime = new Map<Millis, Set<string>>();
  readonly #times = new TinyQueue<Millis>();

  /** Files an id, or files it anew at another time. */
  file(id: string, time: Millis, value: T): void {
    if (this.#byId.get(id)?.time === time) return;
    this.unfile(id);
    this.#byId.set(id, { time, value });
    const ids = this.#byTime.get(time);
    if (ids !== undefined) {
      ids.add(id);
      return;
    }
    this.#byTime.set(time, new Set([id]));
    this.#times.push(time);
  }

  unfile(id: string): void {
    const filed = this.#byId.get(id);
    if (filed === undefined) return;
    this.#byId.delete(id);
    const ids = this.#byTime.get(filed.time);
    ids?.delete(id);
    if (ids?.size === 0) this.#byTime.delete(filed.time);
  }

  /** When the first one is due; undefined: nothing is filed. */
  next(): Millis | undefined {
    let time = this.#times.peek();
    while (time !== undefined && !this.#byTime.has(time)) {
      this.#times.pop();
      time = this.#times.peek();
    }
    return time;
  }

  /** Everything that is due, earliest first, no longer filed. */
  take(now: Millis): { id: string; value: T }[] {
    const taken: { id: string; value: T }[] = [];
    for (let time = this.next(); time !== undefined && time <= now; time = this.next()) {
      for (const id of [...(this.#byTime.get(time) ?? [])]) {
        const filed = this.#byId.get(id);
        this.unfile(id);
        if (filed !== undefined) taken.push({ id, value: filed.value });
      }
    }
    return taken;
  }

  clear(): void {
    this.#byId.clear();
    this.#byTime.clear();
    this.#times.data = [];
    this.#times.length = 0;
  }

  get size(): number {
    return this.#byId.size;
  }
}
