import type { Lease, LeaseEnd } from '../pool/model.ts';

/** How many ended leases are remembered with the way they ended. */
const REMEMBERED_MAX = 10_000;

/** How leases ended lately, for an exact answer to a late call. An older one is read from its id alone. */
export class EndedLeases {
  readonly #ends = new Map<string, { lease: Lease; end: LeaseEnd }>();

  add(lease: Lease, end: LeaseEnd): void {
    this.#ends.set(lease.id, { lease, end });
    if (this.#ends.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#ends.keys();
    this.#ends.delete(oldest as string);
  }

  get(id: string): { lease: Lease; end: LeaseEnd } | undefined {
    return this.#ends.get(id);
  }
}
