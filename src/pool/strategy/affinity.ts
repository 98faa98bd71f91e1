import type { Candidate } from '../model.ts';

/**
 * The key that an affinity favours among those with room, by weighted rendezvous hashing: when a key drops out only the
 * affinities that it had move, and when it is back they return.
 */
export function favourite<C extends Candidate>(candidates: readonly C[], affinity: string): C {
  const liking = ({ key }: Candidate) => -key.weight / Math.log(hashToUnit(`${affinity}\n${key.id}`));
  return candidates.reduce((champion, challenger) => (liking(challenger) > liking(champion) ? challenger : champion));
}

/** A well-mixed number in (0, 1): FNV-1a with the finish of MurmurHash3. */
function hashToUnit(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
