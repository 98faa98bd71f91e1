import { createHash } from 'node:crypto';
import type { Millis } from '../../pool/upstream.ts';

/** So long after the last conflict each replica keeps to its own limit groups. */
const CONTENDED_MS = 5_000;

/** A replica without a sign of life for so long has no limit groups: many times a beat, as groups that move back and forth are contended. */
const AWAY_MS = 10_000;

/**
 * Which limit groups are this replica's: where several contend for the keys of a pool, each chooses first from its own, so that they
 * do not change the same records. By rendezvous hashing over the replicas alive: when one goes, only its groups move.
 */
export class Homes {
  readonly #replica: string;
  #isHome: (group: string) => boolean = () => false;
  #alive: readonly string[] = [];
  #contendedUntil: Millis = 0;

  constructor(replica: string) {
    this.#replica = replica;
  }

  /** Hears when each replica that shares the pool gave its last sign of life. */
  meet(signs: readonly (readonly [replica: string, time: Millis])[], now: Millis): void {
    this.#settle(signs.filter(([, time]) => now - time <= AWAY_MS).map(([replica]) => replica));
  }

  /** A replica changed something, or tried to: it is there, whether or not its sign of life was seen. */
  hear(replica: string): void {
    if (!this.#alive.includes(replica)) this.#settle([...this.#alive, replica]);
  }

  #settle(alive: string[]): void {
    alive.sort();
    if (alive.join() === this.#alive.join()) return;
    this.#alive = alive;
    this.#isHome = homesOf(this.#replica, alive);
  }

  /**
   * A change, of whichever replica, came to nothing because another was first. Who is always first has to know it as well: it would go on
   * to choose from all groups, and leave nothing to the others.
   */
  noteConflict(now: Millis): void {
    this.#contendedUntil = now + CONTENDED_MS;
  }

  /** Whether a limit group is this replica's; undefined: nobody contends, so any group is as good as another. */
  at(now: Millis): ((group: string) => boolean) | undefined {
    return now < this.#contendedUntil && this.#alive.length > 1 ? this.#isHome : undefined;
  }
}

/** Which groups are the replica's while these are alive: another function for other replicas, so that what rests on it is made anew. */
function homesOf(replica: string, alive: readonly string[]): (group: string) => boolean {
  const known = new Map<string, boolean>();
  return (group) => {
    let isHome = known.get(group);
    if (isHome === undefined) {
      const [home] = alive.map((other) => ({ replica: other, weight: weightOf(other, group) })).sort((a, b) => b.weight - a.weight);
      isHome = home?.replica === replica;
      known.set(group, isHome);
    }
    return isHome;
  };
}

function weightOf(replica: string, group: string): number {
  return createHash('sha256').update(`${replica}\n${group}`).digest().readUIntBE(0, 6);
}
