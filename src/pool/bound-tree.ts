/** So many values, of which the largest is always at hand; a change costs as many steps as the number has binary digits. */
export class BoundTree {
  readonly #values: Float64Array;
  /** A tournament: the winner of each pair, the winner of all at 1. */
  readonly #winners: Int32Array;
  readonly #leaves: number;

  constructor(size: number, value: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(2, size)));
    this.#values = new Float64Array(this.#leaves).fill(Number.NEGATIVE_INFINITY).fill(value, 0, size);
    this.#winners = new Int32Array(this.#leaves);
    for (let node = this.#leaves - 1; node >= 1; node -= 1) this.#play(node);
  }

  /** The place of the largest value. */
  get top(): number {
    return this.#winners[1] as number;
  }

  at(place: number): number {
    return this.#values[place] as number;
  }

  set(place: number, value: number): void {
    if (this.#values[place] === value) return;
    this.#values[place] = value;
    for (let node = (this.#leaves + place) >> 1; node >= 1; node >>= 1) this.#play(node);
  }

  #play(node: number): void {
    const a = this.#entrant(2 * node);
    const b = this.#entrant(2 * node + 1);
    this.#winners[node] = this.at(b) > this.at(a) ? b : a;
  }

  #entrant(node: number): number {
    return node >= this.#leaves ? node - this.#leaves : (this.#winners[node] as number);
  }
}
