import { matches, type Pattern, patternOf } from './pattern.ts';

/** What may be done: lease keys (and renew and release), report, take a key out by a lease, and everything that operators do. */
export type Verb = 'acquire' | 'report' | 'mark' | 'admin';

/** How much one holder may have or do under one grant. null: no bound. */
export interface Caps {
  /** Leases of one pool under way at once. */
  readonly leasesMax: number | null;
  /** Calls in line of one pool at once. */
  readonly waitersMax: number | null;
  readonly requestsPerSecond: number | null;
  /** Calls that may come at once after a pause. */
  readonly burst: number;
  /** Calls being answered at once, those in line among them. */
  readonly inFlightMax: number | null;
  /** The highest priority that an acquire may ask for. */
  readonly priorityMax: number | null;
}

/** One row of the access list as it is written: these holders may do this on these pools, within these caps. */
export interface Grant {
  readonly holders: readonly string[];
  readonly pools: readonly string[];
  readonly verbs: readonly Verb[];
  readonly caps: Caps;
}

interface Rule {
  readonly grant: Grant;
  readonly holders: readonly Pattern[];
  readonly pools: readonly Pattern[];
}

/** The access list, ready to be asked. What no grant allows is forbidden. */
export type Policy = readonly Rule[];

export function policyOf(grants: readonly Grant[]): Policy {
  return grants.map((grant) => ({ grant, holders: grant.holders.map(patternOf), pools: grant.pools.map(patternOf) }));
}

/** Whether a holder may do this on a pool of this name, be there such a pool or not: every decision is this function. */
export function may(policy: Policy, holder: string, verb: Verb, pool: string): boolean {
  return grantFor(policy, holder, verb, pool) !== undefined;
}

/** The first grant that allows it, whose caps count; undefined: it is forbidden. */
export function grantFor(policy: Policy, holder: string, verb: Verb, pool: string): Grant | undefined {
  return policy.find((rule) => isFor(rule, holder, verb) && rule.pools.some((pattern) => matches(pattern, pool)))?.grant;
}

/** The first grant that allows this on any pool at all. */
export function grantAnywhere(policy: Policy, holder: string, verb: Verb): Grant | undefined {
  return policy.find((rule) => isFor(rule, holder, verb))?.grant;
}

function isFor({ grant, holders }: Rule, holder: string, verb: Verb): boolean {
  return grant.verbs.includes(verb) && holders.some((pattern) => matches(pattern, holder));
}
