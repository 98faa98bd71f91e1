import type { Dimension, Millis, ModelClass, Refill } from '../pool/upstream.ts';

/** Where simulated time begins: a whole minute, so that fixed windows begin with it. */
export const START: Millis = 1_764_000_000_000;

export type Limits = Readonly<Partial<Record<Dimension, number>>>;

/** The provider answers a share of all requests with a status for a while: an outage, a storm of overloads. Times from the start. */
interface Trouble {
  readonly atMs: number;
  readonly forMs: number;
  readonly status: number;
  readonly share: number;
}

/** A provider as it really is, whatever the pool knows of it. */
export interface ProviderSettings {
  /** Whose headers, verdicts and counting: a provider that keylease knows. */
  readonly dialect: string;
  /** Whether responses tell the limits at all. */
  readonly headers: boolean;
  /** Whether responses name the organization. */
  readonly announces: boolean;
  /** Whether a 429 says how long to wait. */
  readonly retryAfter: boolean;
  readonly refill: Refill;
  readonly windowMs: number;
  /** Of each organization, for each model class. */
  readonly limits: Limits;
  /** Of model classes whose limits are their own. */
  readonly classLimits: Readonly<Record<ModelClass, Limits>>;
  /** Calls at once in each organization; null: as many as you like. */
  readonly concurrency: number | null;
  /** Tokens are told to the nearest multiple of this. */
  readonly rounding: number;
  readonly fill: number;
  readonly troubles: readonly Trouble[];
}

export interface ScenarioKey {
  readonly id: string;
  readonly organization: string;
  /** From the start; null: never. */
  readonly revokedAtMs: number | null;
}

export interface Spread {
  readonly median: number;
  /** Of the lognormal distribution; 0: always the median. */
  readonly spread: number;
  readonly least: number;
  readonly most: number;
}

/** What clients do. */
export interface Load {
  readonly ratePerSecond: number;
  readonly pattern: 'poisson' | 'bursts' | 'day';
  /** From one burst to the next, or how long a day is. */
  readonly periodMs: number;
  readonly holders: number;
  /** 0: all holders ask alike; 1: the second asks half as often as the first, the third a third as often. */
  readonly skew: number;
  readonly modelClass: ModelClass;
  readonly inputTokens: Spread;
  readonly outputTokens: Spread;
  readonly lengthMs: Spread;
  /** Estimates are wrong by up to this share, either way. */
  readonly estimateError: number;
  /** Shares of the calls: never reported, reported late, reported also when their response begins. */
  readonly crashed: number;
  readonly late: number;
  readonly lateByMs: number;
  readonly streamed: number;
}

/** How clients wait. */
export interface Patience {
  /** In line; 0: they do not wait, and ask again when they are told to. */
  readonly waitMaxMs: number;
  /** From its arrival on; then a call is given up. */
  readonly giveUpMs: number;
}

/** How the pool is configured, beyond keys and strategy. */
interface PoolTraits {
  readonly leaseTtlMs: number;
  readonly leasesMax: number;
  readonly waitersMax: number;
  /** Whether the configuration states the true limits. */
  readonly knowsLimits: boolean;
}

/** One way from client to provider or back. */
export interface Network {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Everything that a simulation is about, but for the seed's luck. */
export interface Scenario {
  readonly name: string;
  readonly durationMs: number;
  readonly seed: number;
  readonly provider: ProviderSettings;
  readonly keys: readonly ScenarioKey[];
  readonly network: Network;
  readonly patience: Patience;
  readonly pool: PoolTraits;
}

/** One call that a client wants to make, the same whatever the pool answers. */
export interface Call {
  readonly number: number;
  readonly arrival: Millis;
  readonly holder: string;
  readonly modelClass: ModelClass;
  /** What the client guesses; null: it gives no estimate. */
  readonly estimatedInput: number | null;
  readonly estimatedOutput: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** How long the provider works on it. */
  readonly lengthMs: number;
  readonly crashes: boolean;
  readonly reportsLateByMs: number;
  readonly streams: boolean;
}

/** The limits that a model class has in every organization. */
export function limitsOf(provider: ProviderSettings, modelClass: ModelClass): Limits {
  return provider.classLimits[modelClass] ?? provider.limits;
}

/** The same scenario with so many keys, each in an organization of its own. */
export function withKeys(scenario: Scenario, count: number): Scenario {
  const keys = Array.from({ length: count }, (_, place) => ({
    id: `key-${place + 1}`,
    organization: `org-${place + 1}`,
    revokedAtMs: null,
  }));
  return { ...scenario, keys };
}
