import type { Lease } from '../pool/model.ts';

const NONE: Iterable<Lease> = [];

/** Leases by something they have in common. Holds nothing about what has no lease. */
export class LeaseIndex {
  readonly #sets = new Map<string, Set<Lease>>();

  get size(): number {
    return this.#sets.size;
  }

  of(id: string): Iterable<Lease> {
    return this.#sets.get(id) ?? NONE;
  }

  add(id: string, lease: Lease): void {
    const set = this.#sets.get(id);
    if (set === undefined) this.#sets.set(id, new Set([lease]));
    else set.add(lease);
  }

  remove(id: string, lease: Lease): void {
    const set = this.#sets.get(id);
    set?.delete(lease);
    if (set?.size === 0) this.#sets.delete(id);
  }
}
