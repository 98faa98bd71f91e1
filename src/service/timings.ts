/** How often something took how long, in seconds, by upper bounds. Cheap enough for every call: two additions and a short search. */
export class Timings {
  /** Ascending; what is above the last one counts in a bucket of its own. */
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  record(seconds: number): void {
    let place = 0;
    while (place < this.bounds.length && seconds > (this.bounds[place] as number)) place += 1;
    this.counts[place] = (this.counts[place] as number) + 1;
    this.sum += seconds;
  }
}
