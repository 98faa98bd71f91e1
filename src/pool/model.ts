/** The nouns. Types only: every rule stands in the file that is named after it. */

import type { Dimension, Millis, ModelClass, ModelClassRule, Provider, Refill } from './upstream.ts';

/** What a lease expects to use. */
export interface Demand {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A demand before a key is chosen: what was guessed for a caller who gave no estimate never exceeds a limit. */
export interface WantedDemand extends Demand {
  /** The caller's own estimates, 0 where there are none: what is reserved beyond them is a guess. */
  readonly leastInputTokens: number;
  readonly leastOutputTokens: number;
  readonly inputGuessed: boolean;
  readonly outputGuessed: boolean;
}

/** One limit from the configuration. */
export interface ConfiguredLimit {
  readonly dimension: Dimension;
  readonly limit: number;
  readonly windowMs: number;
}

/** One key from the configuration, without its secret, which the core never needs. */
export interface KeyConfig {
  readonly id: string;
  /** Its place in the configuration, from 0. */
  readonly order: number;
  /** Tells one secret from another without revealing it. */
  readonly fingerprint: string;
  /** The limit group it was given; null: its own, until responses name an account. */
  readonly limitGroup: string | null;
  readonly weight: number;
  readonly priority: number;
  readonly leasesMax: number;
  readonly limits: readonly ConfiguredLimit[];
}

/** One pool from the configuration. */
export interface PoolConfig {
  readonly id: string;
  readonly provider: Provider;
  readonly strategy: Strategy;
  readonly leaseTtlMs: number;
  readonly leaseTtlMaxMs: number;
  readonly waitMaxMs: number;
  readonly waitersMax: number;
  readonly waitersPerHolderMax: number;
  /** Distinct holders that must report a dead credential before the key goes. */
  readonly unhealthyAfter: number;
  readonly modelClasses: readonly ModelClassRule[];
  readonly keys: readonly KeyConfig[];
}

/** Usage that is settled but not surely contained in the newest observation. */
export interface Spent {
  readonly amount: number;
  /** An observation of a request sent after this moment (plus the margin) contains the amount. */
  readonly containedAfter: Millis;
  /** When the provider had surely counted it: refill of the amount is credited from here on. */
  readonly countedBy: Millis;
}

/** What one response told, where the provider counts at the start: that contains its own request and all that was counted before. */
export interface Told extends Pick<Meter, 'deficit' | 'at' | 'resetTime' | 'refillPerMs'> {
  /** As early as the request may have been sent. */
  readonly requestTime: Millis;
  /** An observation of a request sent after this moment (plus the margin) contains the request. */
  readonly containedAfter: Millis;
}

/** The state of one limit of one limit group. */
export interface Meter {
  readonly dimension: Dimension;
  readonly source: 'configured' | 'learned';
  readonly refill: Refill;
  readonly limit: number;
  /** Over which the limit is counted; a minute is assumed while it is not known. */
  readonly windowMs: number;
  readonly windowKnown: boolean;
  /** The window that the configuration or the header named, which tells several windows of one dimension apart; null: unnamed. */
  readonly namedWindowMs: number | null;
  /** limit − remaining, at the moment `at`, without reservations. */
  readonly deficit: number;
  readonly at: Millis;
  /** When the provider said that the allowance will be full (continuous) or starts anew (fixed); null: not said. */
  readonly resetTime: Millis | null;
  /** What comes back in a millisecond until resetTime. */
  readonly refillPerMs: number;
  /** Held by leases under way that the newest observation does not surely contain. */
  readonly reserved: number;
  /** When the request of the newest observation was sent, and its response arrived; null: no observation yet. */
  readonly observedRequestTime: Millis | null;
  readonly observedResponseTime: Millis | null;
  readonly spent: readonly Spent[];
  /**
   * By the newest observation, and by others that may have been counted after it. Absent where nothing was, where the provider does
   * not count at the start, and in records of an earlier keylease.
   */
  readonly told?: readonly Told[];
}

export type Reason =
  | 'invalid_credential'
  | 'permission_denied'
  | 'billing'
  | 'rate_limited'
  | 'overloaded'
  | 'server_error'
  | 'no_response'
  | 'operator';

/** Something is passed over: a key, a key for one model class, a limit group, or the provider's model. */
export interface Block {
  /** `cooldown` ends by itself; `unhealthy` ends when someone, a rotated secret or a probation says so. */
  readonly kind: 'cooldown' | 'unhealthy';
  readonly reason: Reason;
  readonly message: string;
  readonly since: Millis;
  /** Passed over before this moment; null: no end by itself. */
  readonly until: Millis | null;
  /** From `until` on: free again, or on probation, one lease at a time until one succeeds. */
  readonly after: 'free' | 'probation';
  /** How often in a row, for back-offs that grow. A success forgets the block and so this. */
  readonly strikes: number;
  /** The lease that probes, while one is out. */
  readonly probe: string | null;
}

/** A limit that nobody tells, as learnt from what was refused. */
export interface Concurrency {
  /** Grows by fractions. */
  readonly limit: number;
  /** When it was last cut: refusals of requests sent before belong to the same cut. */
  readonly cutTime: Millis;
}

/** What is known of a key beyond its configuration. */
export interface KeyState {
  readonly id: string;
  readonly version: number;
  /** Of the secret that `secretVersion` counts. */
  readonly fingerprint: string;
  /** Grows with each rotation; evidence about an older one is refused. */
  readonly secretVersion: number;
  /** The account that responses named; null: none yet. */
  readonly account: string | null;
  readonly group: string;
  readonly block: Block | null;
  readonly modelBlocks: Readonly<Record<ModelClass, Block>>;
  /** Where the provider tells no limit: how many leases of a class may be under way, as learnt from refusals. */
  readonly concurrency: Readonly<Record<ModelClass, Concurrency>>;
  readonly draining: boolean;
  /** Server errors and lost responses in a row. */
  readonly failures: number;
  /** Holders that reported a dead credential since the last success. */
  readonly witnesses: readonly string[];
  readonly activeLeases: number;
  /** The store's sequence at the last grant; 0: never. */
  readonly lastGrant: number;
  readonly lastReportTime: Millis | null;
}

/** What is known of a limit group. */
export interface GroupState {
  readonly id: string;
  readonly version: number;
  /** By model class; the empty class blocks every class. */
  readonly blocks: Readonly<Record<ModelClass, Block>>;
  readonly meters: Readonly<Record<ModelClass, readonly Meter[]>>;
}

/** What leases of a model class used lately, for one request: a mean and how far from it they fell. */
export interface UsageEstimate {
  readonly inputMean: number;
  readonly inputSpread: number;
  readonly outputMean: number;
  readonly outputSpread: number;
  /** Calls that this was learnt from. */
  readonly calls: number;
  /** What a reservation is multiplied with so that most calls stay within it, from 1. */
  readonly inputPad: number;
  readonly outputPad: number;
}

/** What is known of a pool as a whole. */
export interface PoolState {
  readonly version: number;
  /** Overloads of the provider, by model class; the empty class blocks every class. */
  readonly blocks: Readonly<Record<ModelClass, Block>>;
  readonly usage: Readonly<Record<ModelClass, UsageEstimate>>;
  /** What strategies remember: whose turn it was last, and the weights of smooth weighted round robin. */
  readonly turn: Turn;
}

export interface Turn {
  /** The place in the configuration of the key chosen last; -1: none yet. */
  readonly lastOrder: number;
  readonly weights: Readonly<Record<string, number>>;
}

/** The right of one holder to use one key until a time. Only leases under way are stored. */
export interface Lease {
  readonly id: string;
  readonly pool: string;
  readonly keyId: string;
  readonly group: string;
  readonly modelClass: ModelClass;
  readonly holder: string;
  readonly secretVersion: number;
  readonly acquireTime: Millis;
  readonly expireTime: Millis;
  readonly requests: number;
  readonly requestsReported: number;
  /** What is still reserved: the demand less what was settled. */
  readonly held: Demand;
  /** When its request was sent, as far as known or guessed; null: several requests, sent who knows when. */
  readonly sentTime: Millis | null;
  /** When the headers of its own response arrived, where it was reported while it still runs; null: not yet. */
  readonly answerTime: Millis | null;
  /** The request id it was acquired with; empty: none. */
  readonly requestId: string;
}

export type LeaseEnd = 'settled' | 'released' | 'expired' | 'revoked';

/** Remembers which lease answered a request id, also after that lease has ended. */
export interface RequestRecord {
  readonly holder: string;
  readonly requestId: string;
  /** Of the request's content: a repetition must be the same. */
  readonly contentHash: string;
  /** The lease as it was granted or as it ended. */
  readonly lease: Lease;
  readonly end: LeaseEnd | null;
  readonly forgetTime: Millis;
}

/** Everything a decision may look at. A view: nothing in it changes while a decision is taken. */
export interface Facts {
  readonly now: Millis;
  /** Grows with every change of the store: orders grants within one millisecond. */
  readonly sequence: number;
  readonly pool: PoolConfig;
  readonly state: PoolState;
  /** Nothing is granted before this moment, as grants that still count may be forgotten. Left out: none is. */
  readonly grantsFrom?: Millis;
  /** Whether a limit group is one to choose from first, while it has room. Left out: each is as good as another. */
  readonly isHome?: ((group: string) => boolean) | undefined;
  key(id: string): KeyState | undefined;
  group(id: string): GroupState | undefined;
  lease(id: string): Lease | undefined;
  /** Every lease of the pool that is under way. */
  leases(): Iterable<Lease>;
  leasesOfKey(keyId: string): Iterable<Lease>;
  leasesOfGroup(groupId: string): Iterable<Lease>;
  /** How many leases the holder has under way. */
  leaseCountOf(holder: string): number;
  request(holder: string, requestId: string): RequestRecord | undefined;
}

/**
 * What a decision changes: new versions of the records that it touched. Each record carries the version that was read
 * (0: there was none); the store applies all of it or, if one has moved on, nothing.
 */
export interface Change {
  readonly pool: string;
  readonly state?: PoolState;
  readonly keys?: readonly KeyState[];
  readonly groups?: readonly GroupState[];
  readonly leases?: readonly Lease[];
  readonly ended?: readonly string[];
  readonly requests?: readonly RequestRecord[];
}

/** A key with room, as a strategy sees it. */
export interface Candidate {
  readonly key: KeyConfig;
  /** 0 to 1: (request score + token score) / 2. */
  readonly score: number;
  /** 0 to 1: what is left of its scarcest limit. */
  readonly headroom: number;
  readonly activeLeases: number;
  readonly lastGrant: number;
}

/** How one key is chosen among those with room. `random` draws from [0, 1). */
export interface Strategy {
  readonly name: string;
  /** Candidates come in the order of the configuration and are never empty. The new turn is stored where it is not the old one. */
  pick<C extends Candidate>(candidates: readonly C[], turn: Turn, random: () => number): { chosen: C; turn: Turn };
  /** Where it chooses the highest of these values, 0 to 1, and nothing else: then a large pool is searched without looking at every key. */
  readonly value?: (candidate: Candidate) => number;
}
