/** How long a change may be missing between two that arrived, before it counts as lost. */
const GAP_MS = 250;

interface Held {
  readonly before: number;
  readonly after: number;
  readonly take: () => void;
}

/**
 * Takes what arrives in the order of the sequence numbers. Answers and messages come over one connection in the right order, but they
 * are handed out by different ways; so what comes early is held until what belongs before it is there.
 */
export class InOrder {
  /** The number of the last change that was taken. */
  last: number;
  readonly #lose: (cause: Error) => void;
  #held: Held[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(last: number, lose: (cause: Error) => void) {
    this.last = last;
    this.#lose = lose;
  }

  /** Takes the changes after number `before` up to number `after`, now or when it is their turn; drops those that were taken already. */
  take(before: number, after: number, take: () => void): void {
    if (before < this.last && after > before) return;
    this.#held.push({ before, after, take });
    this.#held.sort((a, b) => a.before - b.before || a.after - b.after);
    for (let next = this.#held[0]; next !== undefined && next.before <= this.last; next = this.#held[0]) {
      this.#held.shift();
      // What changed nothing has its turn as soon as everything before it was taken.
      if (next.before < this.last && next.after > next.before) continue;
      this.last = Math.max(this.last, next.after);
      next.take();
    }
    clearTimeout(this.#timer);
    if (this.#held.length > 0) this.#timer = setTimeout(() => this.#look(this.last), GAP_MS);
  }

  /** Where this process itself was held up, what is missing may lie here unread: it is read before it is given up. */
  #look(last: number): void {
    const giveUp = () => {
      if (this.#held.length > 0 && this.last === last) this.#lose(new Error('a change of another replica did not arrive'));
    };
    setImmediate(() => setImmediate(giveUp));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#held = [];
  }
}
