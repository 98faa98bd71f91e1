/** One question that a client asks. */
export interface Question {
  readonly inputTokens: number;
  readonly maxTokens: number;
}

/** The questions of client number `client`: the same seed, the same questions. */
export function questions(seed: number, client: number): () => Question {
  const random = seededRandom(seed * 1_000 + client);
  return () => ({ inputTokens: 500 + Math.floor(random() * 2_000), maxTokens: 100 + Math.floor(random() * 400) });
}

/** Draws from [0, 1), the same sequence for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
