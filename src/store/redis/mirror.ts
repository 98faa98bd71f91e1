import type { Change } from '../../pool/model.ts';
import { PoolTables, standsAsRead } from '../pool-tables.ts';
import type { Applied } from '../store.ts';
import type { Told } from './message.ts';
import { changeOf, KINDS, type Kind, nameOf, putInto, recordIn, type StoredRecord, type Touched, touchedBy } from './touched.ts';

/** An own change that the mirror shows already and the store has not confirmed. */
export interface Pending {
  readonly change: Change;
  /** No other change of any replica, ever, has this stamp. */
  readonly stamp: string;
  readonly touched: readonly (Touched & { readonly expected: string })[];
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
 * their way. A counted version is not enough to compare by, since two replicas count alike: every record carries the stamp of the
 * change that wrote it. What rests on a stamp that will never be there is taken back at once, with all that rests on it in turn.
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

  /** Takes a record of the store as it was loaded. */
  load(kind: Kind, id: string, stamp: string, record?: StoredRecord): void {
    if (kind === KINDS.usage) this.#usage.set(id, record as StoredRecord);
    else this.#stamps.set(nameOf(kind, id), stamp);
    if (record !== undefined) putInto(this.tables, { kind, id, record });
  }

  /** Kind, id, stamp and record of everything confirmed; the last is undefined where only the stamp is known. */
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
    for (const [id, record] of this.#usage) yield { kind: KINDS.usage, id, stamp: '', record };
  }

  /** Shows an own change ahead of the store's word; undefined: its records have moved on. */
  show(change: Change, stamp: string): Pending | undefined {
    return standsAsRead(this.tables, change) ? this.#show(change, stamp, touchedBy(change, this.tables)) : undefined;
  }

  /** Shows that request records whose time has passed are removed. */
  showForgotten(ids: readonly string[], stamp: string): Pending {
    return this.#show(
      { pool: this.#pool },
      stamp,
      ids.map((id) => ({ kind: KINDS.requests, id, name: nameOf(KINDS.requests, id), record: undefined, isWritten: true })),
    );
  }

  #show(change: Change, stamp: string, records: readonly Touched[]): Pending {
    const touched = records.map((one) => ({ ...one, expected: this.#stamps.get(one.name) ?? '' }));
    for (const one of touched) {
      const { name } = one;
      if (one.kind === KINDS.usage) {
        putInto(this.tables, one);
        continue;
      }
      const before = { stamp: one.expected, record: recordIn(this.tables, one.kind, one.id) };
      const versions = this.#versions.get(name) ?? [before];
      versions.push({ stamp, record: one.record });
      this.#versions.set(name, versions);
      this.#put(one, stamp);
    }
    const pending: Pending = { change, stamp, touched, answer: Promise.withResolvers<Applied>(), isDoomed: false };
    // Where a loss answers it, there may be nobody who waits.
    pending.answer.promise.catch(() => {});
    this.#pending.add(pending);
    return pending;
  }

  /** The store has applied it. */
  confirm(pending: Pending): void {
    this.#pending.delete(pending);
    for (const one of pending.touched) {
      if (one.kind === KINDS.usage) this.#putUsage(one);
      const versions = this.#versions.get(one.name);
      versions?.shift();
      if (versions?.length === 1) this.#versions.delete(one.name);
    }
  }

  /** Takes back what the store refuses, and everything that rests on it; answers what was taken back. */
  refuse(refused: readonly Pending[]): Pending[] {
    return refused.length === 0 ? [] : this.#doom(new Set(refused.map(({ stamp }) => stamp)));
  }

  /** Takes what another replica changed. Own changes of the same records rest on what is gone; answers those. */
  follow(touched: readonly Told[]): Pending[] {
    const dead = touched.flatMap((one) => this.#versions.get(one.name)?.slice(1) ?? []);
    const doomed = dead.length === 0 ? [] : this.#doom(new Set(dead.map((version) => version.stamp)));
    for (const one of touched) {
      if (one.kind === KINDS.usage) this.#putUsage(one);
      else this.#put(one, one.stamp);
    }
    return doomed;
  }

  #doom(dead: Set<string>): Pending[] {
    const doomed: Pending[] = [];
    for (const pending of this.#pending) {
      if (!dead.has(pending.stamp) && !pending.touched.some(({ expected }) => dead.has(expected))) continue;
      dead.add(pending.stamp);
      pending.isDoomed = true;
      this.#pending.delete(pending);
      doomed.push(pending);
    }
    for (const one of doomed.flatMap(({ touched }) => touched)) this.#takeBack(one, dead);
    return doomed;
  }

  #takeBack(one: Touched, dead: ReadonlySet<string>): void {
    const { name } = one;
    if (one.kind === KINDS.usage) putInto(this.tables, { ...one, record: this.#usage.get(one.id) });
    const versions = this.#versions.get(name);
    const end = versions?.findIndex(({ stamp }) => dead.has(stamp)) ?? -1;
    if (versions === undefined || end < 0) return;
    versions.length = end;
    const { stamp, record } = versions[end - 1] as Version;
    if (versions.length === 1) this.#versions.delete(name);
    this.#put({ ...one, record, isWritten: true }, stamp);
  }

  /** What the store has now, and the last one to come counts. */
  #putUsage(one: Touched): void {
    this.#usage.set(one.id, one.record as StoredRecord);
    putInto(this.tables, one);
  }

  #put(one: Touched, stamp: string): void {
    if (one.isWritten) putInto(this.tables, one);
    if (one.isWritten && one.record === undefined && one.kind !== KINDS.state && one.kind !== KINDS.groups) this.#stamps.delete(one.name);
    else this.#stamps.set(one.name, stamp);
  }

  /** What listeners are told when changes were taken back: the keys and limit groups concerned, as they stand again. */
  restored(doomed: readonly Pending[]): Change {
    const concerned = new Map<string, Touched>();
    for (const one of doomed.flatMap(({ touched }) => touched)) {
      if (one.kind !== KINDS.keys && one.kind !== KINDS.groups) continue;
      concerned.set(one.name, { ...one, record: recordIn(this.tables, one.kind, one.id), isWritten: true });
    }
    return changeOf(this.#pool, [...concerned.values()], this.tables.state);
  }
}
