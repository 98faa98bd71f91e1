import { type AcquireOutcome, type AcquireRequest, acquire, type Granted, type LeaseClaims } from '../../src/pool/acquire.ts';
import { end, renew } from '../../src/pool/lease.ts';
import type { Change, Facts, GroupState, KeyConfig, KeyState, Lease, LeaseEnd, Meter, PoolConfig, Reason } from '../../src/pool/model.ts';
import { type Mark, type MarkOutcome, markHealthy, markUnhealthy, setDraining } from '../../src/pool/operate.ts';
import { reconcile } from '../../src/pool/reconcile.ts';
import type { Refusal } from '../../src/pool/refusal.ts';
import { type ReportOutcome, report } from '../../src/pool/report.ts';
import { type KeyView, keyView } from '../../src/pool/status.ts';
import type { Millis, ModelClass } from '../../src/pool/upstream.ts';
import { judge } from '../../src/provider/judge.ts';
import { Tables } from '../../src/store/tables.ts';
import { START } from './clock.ts';
import { IndexedTwin } from './indexed.ts';
import { makeAsk, makePool, makeReport } from './make.ts';

/** What a provider answered, for worlds with a real one. */
export interface Response {
  readonly status?: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body?: string;
  readonly used?: { readonly inputTokens: number; readonly outputTokens: number };
}

/** One pool in memory, in which each decision is applied as soon as it is taken, at a time that the test sets. */
export class World {
  now: Millis;
  pool: PoolConfig;
  random: () => number = () => 0;
  readonly #tables = new Tables();
  readonly #twin = new IndexedTwin(() => this.#read());
  /** What each lease id was made from. */
  readonly minted: LeaseClaims[] = [];

  constructor(pool: Parameters<typeof makePool>[0] = {}, now: Millis = START) {
    this.pool = makePool(pool);
    this.now = now;
  }

  /** What is known now. Leases that are due have ended, as before every decision of the service. */
  get facts(): Facts {
    for (const lease of this.#due()) this.#apply(end(this.#read(), lease, 'expired').change);
    return this.#read();
  }

  advance(ms: number): this {
    this.now += ms;
    return this;
  }

  ask(ask: Partial<AcquireRequest> = {}): AcquireOutcome {
    const mintLeaseId = (claims: LeaseClaims) => `lease-${this.minted.push(claims)}`;
    const { facts } = this;
    const request = makeAsk(ask);
    const { outcome, change } = acquire(facts, request, { random: this.random, mintLeaseId });
    this.#twin.compare(facts, request, outcome);
    this.#apply(change);
    return outcome;
  }

  /** A lease; throws where none was granted. */
  lease(ask: Partial<AcquireRequest> = {}): Lease {
    const outcome = this.ask(ask);
    if (outcome.kind !== 'granted') throw new Error(`nothing was granted: ${JSON.stringify(outcome)}`);
    return (outcome satisfies Granted).lease;
  }

  /** A refusal; throws where it was none. */
  refusal(ask: Partial<AcquireRequest> = {}): Refusal {
    const outcome = this.ask(ask);
    if (
      outcome.kind === 'granted' ||
      outcome.kind === 'repeated' ||
      outcome.kind === 'request_id_reused' ||
      outcome.kind === 'holder_limited'
    ) {
      throw new Error(`was not refused: ${outcome.kind}`);
    }
    return outcome;
  }

  /** The id of the key that an acquire gets; undefined: it is refused. */
  keyFor(ask: Partial<AcquireRequest> = {}): string | undefined {
    const outcome = this.ask(ask);
    return outcome.kind === 'granted' ? outcome.lease.keyId : undefined;
  }

  report(lease: Lease, told: Parameters<typeof makeReport>[0] = {}): ReportOutcome {
    const { facts } = this;
    const known = facts.lease(lease.id);
    const { outcome, change } = report(facts, known ?? lease, known !== undefined, makeReport(told), this.random);
    this.#apply(change);
    return outcome;
  }

  /** A report of a response as it stands, read and judged by the pool's provider. */
  answer(lease: Lease, { status = 200, headers, body = '', used }: Response): ReportOutcome {
    const { provider } = this.pool;
    const reading = provider.readHeaders(headers, this.now);
    const judgement = judge(provider, { status, body, headers, responseTime: this.now, retryAfterMs: reading.retryAfterMs });
    return this.report(lease, { reading, judgement, status, used: used ?? null });
  }

  end(lease: Lease, how: Exclude<LeaseEnd, 'settled'>): Lease {
    const { outcome, change } = end(this.facts, this.current(lease), how);
    this.#apply(change);
    return outcome;
  }

  renew(lease: Lease, ttlMs: number | null = null): Lease {
    const { outcome, change } = renew(this.facts, this.current(lease), ttlMs);
    this.#apply(change);
    return outcome;
  }

  mark(keyId: string, reason: Reason, mark: Partial<Mark> = {}): MarkOutcome {
    const full: Mark = { reason, message: '', cooldownMs: null, lease: null, ...mark };
    const { outcome, change } = markUnhealthy(this.facts, this.config(keyId), full, this.random);
    this.#apply(change);
    return outcome;
  }

  heal(keyId: string): void {
    this.#apply(markHealthy(this.facts, this.config(keyId)));
  }

  drain(keyId: string, draining = true): void {
    this.#apply(setDraining(this.facts, this.config(keyId), draining));
  }

  /** Puts another configuration in force; answers the keys whose secret is another one. */
  reload(pool: Parameters<typeof makePool>[0]): readonly string[] {
    this.pool = makePool(pool);
    const { change, rotated } = reconcile(this.facts);
    this.#apply(change);
    return rotated;
  }

  /** Another world that is as this one now, and goes its own way from here on. */
  fork(): World {
    const copy = new World({}, this.now);
    copy.pool = this.pool;
    copy.random = this.random;
    const facts = this.#read();
    const pool = copy.#tables.pool(facts.pool.id);
    pool.state = facts.state;
    for (const { id } of this.pool.keys) {
      const key = facts.key(id);
      if (key !== undefined) pool.keys.set(id, key);
    }
    for (const group of this.groups()) pool.groups.set(group.id, group);
    for (const lease of facts.leases()) pool.putLease(lease);
    return copy;
  }

  config(keyId: string): KeyConfig {
    return found(
      this.pool.keys.find(({ id }) => id === keyId),
      keyId,
    );
  }

  current(lease: Lease): Lease {
    return found(this.facts.lease(lease.id), lease.id);
  }

  key(keyId = 'a'): KeyState {
    return found(this.facts.key(keyId), keyId);
  }

  group(groupId = 'a'): GroupState {
    return found(this.facts.group(groupId), groupId);
  }

  /** Every limit group of which something is known. */
  groups(): readonly GroupState[] {
    return [...this.#tables.pool(this.pool.id).groups.values()];
  }

  meters(modelClass: ModelClass = '', groupId = 'a'): readonly Meter[] {
    return found(this.group(groupId).meters[modelClass], `meters of ${modelClass}`);
  }

  view(keyId = 'a', modelClass: ModelClass | null = null): KeyView {
    return keyView(this.facts, this.config(keyId), modelClass);
  }

  #read(): Facts {
    return this.#tables.read(this.pool, this.now);
  }

  #due(): readonly Lease[] {
    const due = [...this.#read().leases()].filter(({ expireTime }) => expireTime <= this.now);
    return due.sort((a, b) => a.expireTime - b.expireTime);
  }

  #apply(change: Change): void {
    if (!this.#tables.apply(change)) throw new Error('a change rests on records that have moved on');
    this.#twin.follow(change);
  }
}

function found<T>(thing: T | undefined, name: string): T {
  if (thing === undefined) throw new Error(`there is no ${name}`);
  return thing;
}
