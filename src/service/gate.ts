import { type Grant, grantAnywhere, grantFor, may, type Policy, policyOf, type Verb } from '../auth/policy.ts';
import { Usages } from '../auth/usage.ts';
import type { LeaseIds } from './lease-id.ts';
import type { Pools } from './pools.ts';
import { type Answer, type Problem, refused } from './problem.ts';

/** A call that may go on. */
export interface Entry {
  readonly ok: true;
  /** The pool that it means, by its name; empty: none. */
  readonly pool: string;
  readonly grant: Grant;
  /** To be called once it is answered. */
  readonly leave: () => void;
}

/** No pool has a longer name; comparing one with patterns takes time that grows with it. */
const POOL_CHARACTERS_MAX = 63;
const TOO_LONG: Problem = {
  kind: 'invalid',
  violations: [{ field: 'pool', description: `is longer than ${POOL_CHARACTERS_MAX} characters` }],
};

/** What it stands before. */
export interface Refused {
  readonly ok: false;
  readonly problem: Problem;
}

export interface GateOptions {
  readonly pools: Pools;
  readonly ids: LeaseIds;
  readonly now: () => number;
}

/** Decides who may do what, before anything is looked up, and counts what each holder does. Without a policy everything is open. */
export class Gate {
  readonly now: () => number;
  readonly #pools: Pools;
  readonly #ids: LeaseIds;
  readonly #usages = new Usages();
  #policy: Policy | null = null;
  #names = new Map<Grant, string>();

  constructor({ pools, ids, now }: GateOptions) {
    this.#pools = pools;
    this.#ids = ids;
    this.now = now;
  }

  /** Puts an access list in force; null: everybody may do everything. What holders used under a grant that stays is remembered. */
  put(grants: readonly Grant[] | null): void {
    this.#policy = grants === null ? null : policyOf(grants);
    this.#names = new Map((grants ?? []).map((grant) => [grant, JSON.stringify(grant)]));
  }

  /** Whether nobody is asked anything. */
  get isOpen(): boolean {
    return this.#policy === null;
  }

  may(holder: string, verb: Verb, pool: string): boolean {
    return this.#policy === null || may(this.#policy, holder, verb, pool);
  }

  /** Lets a call on a pool in. The empty name means a pool among those that the holder may do this on. */
  enterPool(holder: string, verb: Verb, pool: string): Entry | Refused {
    if (pool.length > POOL_CHARACTERS_MAX) return { ok: false, problem: TOO_LONG };
    const meant = pool === '' ? (this.#pools.named('', (id) => this.may(holder, verb, id))?.id ?? '') : pool;
    if (meant !== '') return this.#enter(holder, verb, meant, this.#grant(holder, verb, meant));
    const entered = this.enter(holder, verb);
    if (!entered.ok) return entered;
    entered.leave();
    return { ok: false, problem: { kind: 'not_found', resource: 'pool', name: '' } };
  }

  /** Lets a call on a lease in, by the pool that its id claims: whether there is such a lease is not looked at before. */
  enterLease(holder: string, verb: Verb, leaseId: string): Entry | Refused {
    const pool = this.#ids.claimedPool(leaseId) ?? '';
    // A name that no pool can have is no pool: the answer is that of any other garbage.
    return pool === '' || pool.length > POOL_CHARACTERS_MAX ? this.enter(holder, verb) : this.enterPool(holder, verb, pool);
  }

  /** Lets a call in that names no pool: whoever may do this on any may make it. */
  enter(holder: string, verb: Verb): Entry | Refused {
    return this.#enter(holder, verb, '', this.#policy === null ? OPEN : grantAnywhere(this.#policy, holder, verb));
  }

  /** Lets a call in that touches every pool there is. */
  enterAll(holder: string, verb: Verb): Entry | Refused {
    const isFree = this.#pools.all().every(({ id }) => this.may(holder, verb, id));
    return isFree ? this.enter(holder, verb) : { ok: false, problem: { kind: 'forbidden', what: { verb, on: 'every pool' } } };
  }

  /** Makes a call that was let in, and counts it out at its end. */
  async through<T>(entry: Entry | Refused, run: (entry: Entry) => Promise<Answer<T>>): Promise<Answer<T>> {
    if (!entry.ok) return refused(entry.problem, this.now());
    try {
      return await run(entry);
    } finally {
      entry.leave();
    }
  }

  #grant(holder: string, verb: Verb, pool: string): Grant | undefined {
    return this.#policy === null ? OPEN : grantFor(this.#policy, holder, verb, pool);
  }

  #enter(holder: string, verb: Verb, pool: string, grant: Grant | undefined): Entry | Refused {
    if (grant === undefined) return { ok: false, problem: forbidden(verb, pool) };
    if (grant === OPEN) return { ok: true, pool, grant, leave: () => {} };
    const entered = this.#usages.enter(grant, this.#names.get(grant) ?? '', holder, this.now());
    if (entered.over !== undefined) return { ok: false, problem: { kind: 'holder_limited', ...entered.over } };
    return { ok: true, pool, grant, leave: entered.leave };
  }
}

export function forbidden(verb: Verb, pool: string): Problem {
  return { kind: 'forbidden', what: pool === '' ? { verb, on: 'any pool' } : { verb, pool } };
}

const UNBOUNDED = { leasesMax: null, waitersMax: null, requestsPerSecond: null, burst: 1, inFlightMax: null, priorityMax: null };

/** What everybody has while nobody has to say who calls. */
const OPEN: Grant = { holders: ['**'], pools: ['**'], verbs: ['acquire', 'report', 'mark', 'admin'], caps: UNBOUNDED };
