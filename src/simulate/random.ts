/** Draws from [0, 1). */
export type Random = () => number;

/** A generator for each purpose and number, so that one draw more in one place moves nothing in another (mulberry32). */
export function seededRandom(...seeds: readonly number[]): Random {
  let state = seeds.reduce((mixed, seed) => scramble((mixed + Math.imul(seed, 0x9e3779b1)) >>> 0), 0x2545f491);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return scramble(state) / 2 ** 32;
  };
}

function scramble(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}

/** The gap to the next of events that come independently of each other. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** Half of the draws lie below the median, and two thirds within a factor of e^spread of it. */
export function lognormal(random: Random, median: number, spread: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(spread * normal);
}

/** A draw between two numbers. */
export function between(random: Random, least: number, most: number): number {
  return least + (most - least) * random();
}
