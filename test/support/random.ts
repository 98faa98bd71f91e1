/** A reproducible source of chance: the same seed, the same numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Chance that falls exactly as written; throws when it is asked more often than that. */
export function scripted(...draws: readonly number[]): () => number {
  const left = [...draws];
  return () => {
    const draw = left.shift();
    if (draw === undefined) throw new Error(`chance was asked more than ${draws.length} times`);
    return draw;
  };
}

/** Chance for decisions that must not ask for any. */
export const noChance: () => number = scripted();
