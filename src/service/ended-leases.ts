import type { Lease, LeaseEnd } from '../pool/model.ts';

/** So many ended leases are remembered for certain with the way they ended, and twice as many at most. */
const REMEMBERED_MIN = 10_000;

interface End {
  readonly lease: Lease;
  readonly end: LeaseEnd;
}

/**
 * How leases ended lately, for an exact answer to a late call. An older one is read from its id alone. The older half is forgotten as a
 * whole: to find the one oldest entry of a Map means to step over all that were taken out before.
 */
export class EndedLeases {
  #newer = new Map<string, End>();
  #older = new Map<string, End>();

  add(lease: Lease, end: LeaseEnd): void {
    if (this.#newer.size >= REMEMBERED_MIN) [this.#older, this.#newer] = [this.#newer, new Map()];
    this.#newer.set(lease.id, { lease, end });
  }

  get(id: string): End | undefined {
    return this.#newer.get(id) ?? this.#older.get(id);
  }
}
