import type { Pending } from './mirror.ts';
import { isCompared, KINDS, type Touched } from './touched.ts';

/** What becomes of one record. */
export interface Written extends Touched {
  readonly name: string;
  /** The stamp that must be there. */
  readonly expected: string;
  /** The stamp that is there from then on. */
  readonly stamp: string;
}

/** Changes that name records of one another: the store takes all of them or none, so each record is sent once, as it is in the end. */
export interface Parcel {
  readonly changes: readonly Pending[];
  /** By name. */
  readonly records: ReadonlyMap<string, Written>;
}

/** Sorts a batch into as many parcels as can stand or fall by themselves. */
export function parcelsOf(batch: readonly Pending[]): Parcel[] {
  const parcels = new Map<number, { changes: Pending[]; records: Map<string, Written> }>();
  for (const [place, first] of firstsOf(batch).entries()) {
    let parcel = parcels.get(first);
    if (parcel === undefined) {
      parcel = { changes: [], records: new Map() };
      parcels.set(first, parcel);
    }
    const change = batch[place] as Pending;
    parcel.changes.push(change);
    for (const one of change.touched) add(parcel.records, one, change.stamp);
  }
  return [...parcels.values()];
}

function add(records: Map<string, Written>, one: Pending['touched'][number], stamp: string): void {
  const before = records.get(one.name);
  if (before === undefined) records.set(one.name, { ...one, stamp });
  // A lease that has come and gone was never there for others.
  else if (one.kind === KINDS.leases && one.record === undefined && before.expected === '') records.delete(one.name);
  else records.set(one.name, { ...one, stamp, expected: before.expected, isWritten: one.isWritten || before.isWritten });
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
  for (const [place, { touched }] of batch.entries()) {
    for (const { kind, name } of touched) {
      if (!isCompared(kind)) continue;
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, place);
      else firsts[firstOf(place)] = firstOf(owner);
    }
  }
  return firsts.map((_, place) => firstOf(place));
}
