import type { Pending } from './mirror.ts';
import { type Compared, KINDS, type StoredRecord } from './touched.ts';

/** What becomes of one record. */
export interface Written extends Compared {
  /** The stamp that must be there. */
  readonly expected: string;
  /** The stamp that is there from then on. */
  readonly stamp: string;
}

/** Changes that name records of one another: the store takes all of them or none, so each record is sent once, as it is in the end. */
export interface Parcel {
  readonly changes: readonly Pending[];
  /** Those that are compared, by name. */
  readonly records: ReadonlyMap<string, Written>;
  /** By id; undefined: it ends. */
  readonly leases: ReadonlyMap<string, StoredRecord | undefined>;
  /** By model class. */
  readonly usage: ReadonlyMap<string, StoredRecord | undefined>;
}

class Packing implements Parcel {
  readonly changes: Pending[] = [];
  readonly records = new Map<string, Written>();
  readonly leases = new Map<string, StoredRecord | undefined>();
  readonly usage = new Map<string, StoredRecord | undefined>();
  /** Leases that nobody knows of yet. */
  readonly #new = new Set<string>();

  add(change: Pending): void {
    this.changes.push(change);
    for (const one of change.compared) this.#addCompared(one, change.stamp);
    for (const { kind, id, record, before } of change.uncompared) {
      if (kind === KINDS.usage) this.usage.set(id, record);
      else this.#addLease(id, record, before);
    }
  }

  #addCompared(one: Pending['compared'][number], stamp: string): void {
    const { kind, id, name, record } = one;
    const before = this.records.get(name);
    const expected = before === undefined ? one.expected : before.expected;
    const isWritten = one.isWritten || before?.isWritten === true;
    this.records.set(name, { kind, id, name, record, isWritten, expected, stamp });
  }

  /** A lease that comes and goes was never there for others. */
  #addLease(id: string, record: StoredRecord | undefined, before: StoredRecord | undefined): void {
    if (record !== undefined && before === undefined) this.#new.add(id);
    if (record === undefined && this.#new.delete(id)) this.leases.delete(id);
    else this.leases.set(id, record);
  }
}

/** Sorts a batch into as many parcels as can stand or fall by themselves. */
export function parcelsOf(batch: readonly Pending[]): Parcel[] {
  const parcels = new Map<number, Packing>();
  for (const [place, first] of firstsOf(batch).entries()) {
    let parcel = parcels.get(first);
    if (parcel === undefined) {
      parcel = new Packing();
      parcels.set(first, parcel);
    }
    parcel.add(batch[place] as Pending);
  }
  return [...parcels.values()];
}

/** For each change the place of one that stands for all it is bound to by the records they name. */
function firstsOf(batch: readonly Pending[]): number[] {
  const firsts = batch.map((_, place) => place);
  const firstOf = (place: number): number => {
    let first = place;
    while (firsts[first] !== first) first = firsts[first] as number;
    firsts[place] = first;
    return first;
  };
  const owners = new Map<string, number>();
  for (const [place, { compared }] of batch.entries()) {
    for (const { name } of compared) {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, place);
      else firsts[firstOf(place)] = firstOf(owner);
    }
  }
  return firsts.map((_, place) => firstOf(place));
}
