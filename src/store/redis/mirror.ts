import type { Change } from '../../pool/model.ts';
import { PoolTables, standsAsRead } from '../pool-tables.ts';
import type { Applied } from '../store.ts';
import type { Told } from './message.ts';
import {
  type Compared,
  changeOf,
  isCompared,
  KINDS,
  type Kind,
  nameOf,
  putInto,
  recordIn,
  type StoredRecord,
  type Touched,
  touchedBy,
} from './touched.ts';

/** An own change that the mirror shows already and the store has not confirmed. */
export interface Pending {
  readonly change: Change;
  /** No other change of any replica, ever, has this stamp. */
  readonly stamp: string;
  readonly compared: readonly (Compared & { readonly expected: string })[];
  readonly uncompared: readonly (Touched & { readonly before: StoredRecord | undefined })[];
  readonly answer: PromiseWithResolvers<Applied>;
  /** Refused for certain: it rests on what is not there, whatever the store will say of it. */
  isDoomed: boolean;
}

interface Version {
  readonly stamp: string;
  readonly record: StoredRecord | undefined;
}

/**
 * The records of one pool as this replica sees them: what the store confirmed, and over it the replica's own changes that are on
 * their way. A counted version is not enough to compare by, since two replicas count alike: every record that is compared carries the
 * stamp of the change that wrote it. What rests on a stamp that will never be there is taken back at once, with all that rests on it in turn.
 */
export class Mirror {
  readonly tables = new PoolTables();
  readonly #pool: string;
  readonly #stamps = new Map<string, string>();
  /** Of records with own changes on their way: first the confirmed version, then those in the order of the changes. */
  readonly #versions = new Map<string, Version[]>();
  readonly #pending = new Set<Pending>();
  /** What the store has of the usage of each model class: own settlements on their way may have moved what is shown. */
  readonly #usage = new Map<string, StoredRecord>();

  constructor(pool: string) {
    this.#pool = pool;
  }

  get pending(): ReadonlySet<Pending> {
    return this.#pending;
  }

  /** Takes a record of the store as it was loaded; `stamp` is empty where it is not compared. */
  load(kind: Kind, id: string, stamp: string, record?: StoredRecord): void {
    if (kind === KINDS.usage) this.#usage.set(id, record as StoredRecord);
    if (isCompared(kind)) this.#stamps.set(nameOf(kind, id), stamp);
    if (record !== undefined) putInto(this.tables, { kind, id, record });
  }

  /** Kind, id, stamp and record of everything confirmed. No record: only the stamp is known. No stamp: it is not compared. */
  *confirmed(): Generator<{ kind: Kind; id: string; stamp: string; record: StoredRecord | undefined }> {
    for (const [name, shown] of this.#stamps) {
      const [kind, id] = [name.slice(0, 1) as Kind, name.slice(1)];
      const { stamp, record } = this.#versions.get(name)?.[0] ?? { stamp: shown, record: recordIn(this.tables, kind, id) };
      if (stamp !== '') yield { kind, id, stamp, record };
    }
    for (const [name, [first]] of this.#versions) {
      // Records that an own change on its way removes are not among the stamps that are shown.
      const isListed = this.#stamps.has(name);
      if (!isListed && first !== undefined && first.stamp !== '') yield { kind: name.slice(0, 1) as Kind, id: name.slice(1), ...first };
    }
    for (const [id, record] of this.#confirmedLeases()) yield { kind: KINDS.leases, id, stamp: '', record };
    for (const [id, record] of this.#usage) yield { kind: KINDS.usage, id, stamp: '', record };
  }

  #confirmedLeases(): Map<string, StoredRecord> {
    const leases = new Map<string, StoredRecord>(this.tables.leases);
    for (const { uncompared } of [...this.#pending].reverse()) {
      for (const { kind, id, before } of uncompared.toReversed()) {
        if (kind === KINDS.leases && before !== undefined) leases.set(id, before);
        else if (kind === KINDS.leases) leases.delete(id);
      }
    }
    return leases;
  }

  /** Shows an own change ahead of the store's word; undefined: its records have moved on. */
  show(change: Change, stamp: string): Pending | undefined {
    return standsAsRead(this.tables, change) ? this.#show(change, stamp, touchedBy(change, this.tables)) : undefined;
  }

  /** Shows that request records whose time has passed are removed. */
  showForgotten(ids: readonly string[], stamp: string): Pending {
    const kind = KINDS.requests;
    const compared = ids.map((id) => ({ kind, id, name: nameOf(kind, id), record: undefined, isWritten: true }));
    return this.#show({ pool: this.#pool }, stamp, { compared, uncompared: [] });
  }

  #show(change: Change, stamp: string, touched: ReturnType<typeof touchedBy>): Pending {
    const compared = touched.compared.map((one) => this.#showCompared(one, stamp));
    const uncompared = touched.uncompared.map((one) => {
      const before = recordIn(this.tables, one.kind, one.id);
      putInto(this.tables, one);
      return { ...one, before };
    });
    const pending: Pending = { change, stamp, compared, uncompared, answer: Promise.withResolvers<Applied>(), isDoomed: false };
    // Where a loss answers it, there may be nobody who waits.
    pending.answer.promise.catch(() => {});
    this.#pending.add(pending);
    return pending;
  }

  #showCompared(one: Compared, stamp: string): Pending['compared'][number] {
    const { kind, id, name, record, isWritten } = one;
    const expected = this.#stamps.get(name) ?? '';
    const versions = this.#versions.get(name);
    if (versions !== undefined) versions.push({ stamp, record });
    else
      this.#versions.set(name, [
        { stamp: expected, record: recordIn(this.tables, kind, id) },
        { stamp, record },
      ]);
    this.#put(one, stamp);
    return { kind, id, name, record, isWritten, expected };
  }

  /** The store has applied it. */
  confirm(pending: Pending): void {
    this.#pending.delete(pending);
    for (const { name } of pending.compared) {
      const versions = this.#versions.get(name);
      versions?.shift();
      if (versions?.length === 1) this.#versions.delete(name);
    }
    for (const one of pending.uncompared) if (one.kind === KINDS.usage) this.#putUsage(one);
  }

  /** Takes back what the store refuses, and everything that rests on it; answers what was taken back. */
  refuse(refused: readonly Pending[]): Pending[] {
    return refused.length === 0 ? [] : this.#doom(new Set(refused.map(({ stamp }) => stamp)));
  }

  /** Takes what another replica changed. Own changes of the same records rest on what is gone; answers those. */
  follow(told: readonly Told[]): Pending[] {
    const dead = told.flatMap(({ name }) => (name === '' ? [] : (this.#versions.get(name)?.slice(1) ?? [])));
    const doomed = dead.length === 0 ? [] : this.#doom(new Set(dead.map((version) => version.stamp)));
    for (const one of told) {
      if (isCompared(one.kind)) this.#put(one, one.stamp);
      else if (one.kind === KINDS.usage) this.#putUsage(one);
      else putInto(this.tables, one);
    }
    return doomed;
  }

  #doom(dead: Set<string>): Pending[] {
    const doomed: Pending[] = [];
    for (const pending of this.#pending) {
      if (!dead.has(pending.stamp) && !pending.compared.some(({ expected }) => dead.has(expected))) continue;
      dead.add(pending.stamp);
      pending.isDoomed = true;
      this.#pending.delete(pending);
      doomed.push(pending);
    }
    for (const one of doomed.flatMap(({ compared }) => compared)) this.#takeBack(one, dead);
    for (const one of doomed.flatMap(({ uncompared }) => uncompared).reverse()) this.#takeBackUncompared(one);
    return doomed;
  }

  #takeBack(one: Compared, dead: ReadonlySet<string>): void {
    const { name } = one;
    const versions = this.#versions.get(name);
    const end = versions?.findIndex(({ stamp }) => dead.has(stamp)) ?? -1;
    if (versions === undefined || end < 0) return;
    versions.length = end;
    const { stamp, record } = versions[end - 1] as Version;
    if (versions.length === 1) this.#versions.delete(name);
    this.#put({ ...one, record, isWritten: true }, stamp);
  }

  /** What changes a lease later rests on the same limit group, and falls with it. */
  #takeBackUncompared({ kind, id, before }: Pending['uncompared'][number]): void {
    putInto(this.tables, { kind, id, record: kind === KINDS.usage ? this.#usage.get(id) : before });
  }

  /** What the store has now, and the last one to come counts. */
  #putUsage(one: Touched): void {
    this.#usage.set(one.id, one.record as StoredRecord);
    putInto(this.tables, one);
  }

  #put(one: Compared, stamp: string): void {
    const { kind, name, record, isWritten } = one;
    if (isWritten) putInto(this.tables, one);
    if (isWritten && record === undefined && kind !== KINDS.state && kind !== KINDS.groups) this.#stamps.delete(name);
    else this.#stamps.set(name, stamp);
  }

  /** What listeners are told when changes were taken back: the keys and limit groups concerned, as they stand again. */
  restored(doomed: readonly Pending[]): Change {
    const concerned = new Map<string, Touched>();
    for (const one of doomed.flatMap(({ compared }) => compared)) {
      if (one.kind !== KINDS.keys && one.kind !== KINDS.groups) continue;
      concerned.set(one.name, { ...one, record: recordIn(this.tables, one.kind, one.id), isWritten: true });
    }
    return changeOf(this.#pool, [...concerned.values()], this.tables.state);
  }
}
