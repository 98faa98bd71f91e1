import TinyQueue from 'tinyqueue';
import type { Change, Facts, KeyState, PoolConfig, RequestRecord } from '../../pool/model.ts';
import type { Millis } from '../../pool/upstream.ts';
import { isEmpty } from '../pool-tables.ts';
import { PoolView } from '../pool-view.ts';
import { type Applied, FRESH_POOL, StoreLost } from '../store.ts';
import type { Reply } from './connection.ts';
import { Homes } from './homes.ts';
import { type Memory, pairs, type Standing } from './join.ts';
import { argumentsOf, headingOf, recordsIn, type Told } from './message.ts';
import { Mirror, type Pending } from './mirror.ts';
import { InOrder } from './order.ts';
import { type Parcel, parcelsOf } from './parcel.ts';
import { recordOf, textOf } from './record-text.ts';
import { type Replica, replicaOf } from './replica.ts';
import { changeOf, KINDS, type Kind } from './touched.ts';

/** Changes in one call of the script. While it is under way, the next ones gather. */
const BATCH_MAX = 256;

/** Calls of the script under way for one pool: one is being run while the next is on its way. */
const BATCHES_UNDER_WAY_MAX = 2;

/** Request records removed in one go. */
const FORGET_MAX = 64;

/** How a pool reaches its primary, as long as the connection lasts. */
export interface Line {
  /** Calls the script that applies; the second answer says when what was applied is as durable as it is meant to be. */
  apply(head: readonly string[], changes: readonly string[]): { readonly reply: Promise<Reply>; readonly durable: Promise<void> };
  /** The pool can no longer keep in step over this line. */
  lose(cause: Error): void;
}

/** One pool as this replica shares it: its mirror, its own changes on their way, and everybody's changes in their order. */
export class SharedPool {
  readonly id: string;
  /** The longest that a lease of it lasts. */
  leaseMaxMs = 0;
  readonly #replica: Replica;
  #mirror: Mirror;
  #line: Line | StoreLost;
  #epoch = 0;
  #grantsFrom: Millis = 0;
  readonly #homes: Homes;
  #order = new InOrder(0, () => {});
  #queue: Pending[] = [];
  readonly #underWay = new Set<string>();
  readonly #toForget = new TinyQueue<{ readonly id: string; readonly time: Millis }>([], (a, b) => a.time - b.time);
  /** Confirmed, and not yet as durable as the answer promises. */
  readonly #unanswered = new Set<Pending>();
  #isScheduled = false;

  constructor(id: string, replica: Replica) {
    this.id = id;
    this.#replica = replica;
    this.#mirror = new Mirror(id);
    this.#homes = new Homes(replica.id);
    this.#line = new StoreLost(`the records of pool ${id} are not loaded yet`);
  }

  /** What it knows of the store, from whenever it was last in step with it. */
  get memory(): Memory {
    return {
      epoch: this.#epoch,
      sequence: this.#order.last,
      records: () =>
        [...this.#mirror.confirmed()].flatMap(({ kind, id, stamp, record }) => [
          ...[kind, JSON.stringify(id), stamp],
          record === undefined || (kind === KINDS.state && record === FRESH_POOL) ? '' : textOf(kind, record),
        ]),
    };
  }

  /** Nothing is granted before; 0: the store is not known to have forgotten anything. */
  get grantsFrom(): Millis {
    return this.#grantsFrom;
  }

  read(pool: PoolConfig): Facts {
    if (this.#line instanceof StoreLost) throw this.#line;
    const now = this.#replica.time.now();
    const sharing = { grantsFrom: this.#grantsFrom, isHome: this.#homes.at(now) };
    return new PoolView(this.#mirror.tables, pool, now, this.#replica.sequence, sharing);
  }

  apply(change: Change): Promise<Applied> {
    if (this.#line instanceof StoreLost) return Promise.reject(this.#line);
    if (isEmpty(change)) return this.#settled();
    const pending = this.#mirror.show(change, this.#replica.stamp());
    if (pending === undefined) return Promise.resolve('moved_on');
    this.#replica.sequence += 1;
    this.#enqueue(pending);
    return pending.answer.promise;
  }

  /** Starts over from the store's records, as the script that loads told them. */
  open(line: Line, [epoch, sequence, time, stamps, ...kinds]: Reply, standing: Standing): void {
    this.#replica.time.hear(Number(time));
    this.#mirror = new Mirror(this.id);
    this.#epoch = Number(epoch);
    this.#order = new InOrder(Number(sequence), line.lose);
    this.#toForget.data = [];
    this.#toForget.length = 0;
    const stampOf = new Map(pairs(stamps));
    for (const [place, kind] of Object.values(KINDS).entries()) {
      for (const [id, text] of pairs(kinds[place])) {
        const record = recordOf(kind, JSON.parse(id), text, this.id);
        this.#mirror.load(kind, JSON.parse(id), stampOf.get(kind + id) ?? '', record);
        if (kind === KINDS.requests) this.#forgetLater(JSON.parse(id), record as RequestRecord);
        if (kind === KINDS.keys) this.#replica.sequence = Math.max(this.#replica.sequence, (record as KeyState).lastGrant);
        stampOf.delete(kind + id);
      }
    }
    // What is left are limit groups that were touched and have no record of their own yet.
    for (const [name, stamp] of stampOf) this.#mirror.load(name.slice(0, 1) as Kind, JSON.parse(name.slice(1)), stamp);
    this.#line = line;
    this.#grantsFrom = standing.grantsFrom;
    this.#homes.meet(standing.signs, standing.time);
    this.#tellAll();
  }

  /** Hears how the pool stands at the store. */
  stand({ epoch, time, grantsFrom, signs }: Standing): void {
    if (this.#line instanceof StoreLost) return;
    this.#replica.time.hear(time);
    this.#homes.meet(signs, time);
    if (epoch !== this.#epoch) this.#line.lose(new Error('another epoch has begun'));
    const isOver = grantsFrom < this.#grantsFrom;
    this.#grantsFrom = grantsFrom;
    if (isOver) this.#tellAll();
  }

  /** Whatever rests on the records of this pool has to look again. */
  #tellAll(): void {
    const { keys, groups } = this.#mirror.tables;
    this.#replica.tell({ pool: this.id, keys: [...keys.values()], groups: [...groups.values()] });
  }

  /** From now on nobody knows what is true. What was on its way happened, or it did not. */
  lose(cause: StoreLost): void {
    if (this.#line instanceof StoreLost) return;
    this.#line = cause;
    this.#order.stop();
    this.#queue = [];
    this.#underWay.clear();
    for (const pending of [...this.#mirror.pending, ...this.#unanswered]) pending.answer.reject(cause);
    this.#unanswered.clear();
  }

  /** Takes a message of the pool's channel. */
  hear(message: Buffer): void {
    if (this.#line instanceof StoreLost) return;
    const { origin, before } = headingOf(message);
    // The answer to the script tells the same, and what it leaves out is known here.
    if (this.#underWay.has(origin)) return;
    this.#homes.hear(replicaOf(origin));
    if (Number.isNaN(before)) this.#homes.noteConflict(this.#replica.time.now());
    else this.#order.take(before, before + 1, () => this.#follow(recordsIn(message, this.id)));
  }

  /** Once everything on its way is settled. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#mirror.pending, ...this.#unanswered].map(({ answer }) => answer.promise));
  }

  /**
   * An answer that changes nothing waits for what it may rest on. It is taken again only where a request record came to nothing, since
   * that alone hands something out; anything else was as true as if it had been asked a moment earlier.
   */
  async #settled(): Promise<Applied> {
    const before = [...this.#mirror.pending, ...this.#unanswered];
    const answers = await Promise.all(before.map(({ answer }) => answer.promise));
    return before.some(({ change }, place) => change.requests !== undefined && answers[place] === 'moved_on') ? 'moved_on' : 'applied';
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#line instanceof StoreLost || this.#underWay.size >= BATCHES_UNDER_WAY_MAX) return;
    this.#forget();
    this.#queue = this.#queue.filter(({ isDoomed }) => !isDoomed);
    const batch = this.#queue.splice(0, BATCH_MAX);
    if (batch.length === 0) return;
    const { time } = this.#replica;
    const origin = this.#replica.stamp();
    this.#underWay.add(origin);
    const head = [String(this.#epoch), String(time.now()), String(time.toleranceMs), origin];
    const line = this.#line;
    const parcels = parcelsOf(batch);
    const { reply, durable } = line.apply(head, parcels.flatMap(argumentsOf));
    durable.catch(() => {});
    reply.then(
      (answer) => {
        if (line === this.#line) this.#answered(origin, parcels, answer, durable);
      },
      // Whoever keeps the line is told as well, and loses it.
      () => {},
    );
  }

  #answered(origin: string, parcels: readonly Parcel[], [how, time, before, answers]: Reply, durable: Promise<void>): void {
    this.#replica.time.hear(Number(time));
    if (how === 'fenced') {
      (this.#line as Line).lose(new Error('another epoch has begun'));
      return;
    }
    const isApplied = (place: number) => how === 'done' && answers[place] === 1;
    const after = Number(before) + (parcels.some((_, place) => isApplied(place)) ? 1 : 0);
    this.#order.take(Number(before), after, () => {
      const applied = parcels.flatMap(({ changes }, place) => (isApplied(place) ? changes : []));
      if (applied.some(({ isDoomed }) => isDoomed)) {
        (this.#line as Line).lose(new Error('the store applied what rests on a change that it refused'));
        return;
      }
      this.#confirm(applied, durable);
      const refused = parcels.flatMap(({ changes }, place) => (isApplied(place) ? [] : changes));
      this.#settle(this.#mirror.refuse(refused.filter(({ isDoomed }) => !isDoomed)));
    });
    this.#underWay.delete(origin);
    this.#send();
  }

  #confirm(applied: readonly Pending[], durable: Promise<void>): void {
    for (const pending of applied) {
      this.#mirror.confirm(pending);
      for (const { kind, id, record } of pending.compared)
        if (kind === KINDS.requests) this.#forgetLater(id, record as RequestRecord | undefined);
      if (!isEmpty(pending.change)) this.#replica.tell(pending.change);
      this.#unanswered.add(pending);
    }
    // Where it does not become durable the line is lost, which answers.
    durable.then(
      () => {
        for (const pending of applied) {
          this.#unanswered.delete(pending);
          pending.answer.resolve('applied');
        }
      },
      () => {},
    );
  }

  #follow(told: readonly Told[]): void {
    this.#settle(this.#mirror.follow(told));
    let newest = this.#replica.sequence;
    for (const { kind, id, record } of told) {
      if (kind === KINDS.requests) this.#forgetLater(id, record as RequestRecord | undefined);
      if (kind === KINDS.keys && record !== undefined && 'lastGrant' in record) newest = Math.max(newest, record.lastGrant);
    }
    this.#replica.sequence = newest + 1;
    const change = changeOf(this.id, told, this.#mirror.tables.state);
    if (!isEmpty(change)) this.#replica.tell(change);
  }

  #settle(doomed: readonly Pending[]): void {
    if (doomed.length === 0) return;
    this.#homes.noteConflict(this.#replica.time.now());
    for (const pending of doomed) {
      for (const { kind, id, record, expected } of pending.compared) {
        if (kind === KINDS.requests && record === undefined && expected !== '') this.#toForget.push({ id, time: 0 });
      }
    }
    const restored = this.#mirror.restored(doomed);
    if (!isEmpty(restored)) this.#replica.tell(restored);
    for (const pending of doomed) pending.answer.resolve('moved_on');
  }

  #forgetLater(id: string, record: RequestRecord | undefined): void {
    if (record !== undefined) this.#toForget.push({ id, time: record.forgetTime });
  }

  /** Removes request records whose time has passed, along with what is sent anyway. */
  #forget(): void {
    if (this.#queue.length === 0) return;
    const now = this.#replica.time.now();
    const due = new Set<string>();
    for (let next = this.#toForget.peek(); next !== undefined && next.time <= now && due.size < FORGET_MAX; next = this.#toForget.peek()) {
      this.#toForget.pop();
      const record = this.#mirror.tables.requests.get(next.id);
      if (record !== undefined && record.forgetTime <= now) due.add(next.id);
    }
    if (due.size > 0) this.#queue.push(this.#mirror.showForgotten([...due], this.#replica.stamp()));
  }
}
