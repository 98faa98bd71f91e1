/** What a provider is, and what its responses say. Types only, and the terms that everything else is said in. */

/** Milliseconds since the epoch, by the store's clock, which never steps backwards. */
export type Millis = number;

/** What a limit counts. `tokens` is the sum of both, where a provider limits the sum. */
export type Dimension = 'requests' | 'input_tokens' | 'output_tokens' | 'tokens';

/** Models that share one allowance; the empty string where no model was named. */
export type ModelClass = string;

/** How an allowance comes back: in a straight line over its window, or all at once at the window's end. */
export type Refill = 'continuous' | 'fixed';

/** When a provider counts a dimension: in full when the request starts, or little by little while it runs. */
export type Counting = 'at_start' | 'as_it_goes';

/** The models of one class, as glob patterns in which `*` stands for any text. */
export interface ModelClassRule {
  readonly id: ModelClass;
  readonly models: readonly string[];
}

/** What one response's headers said about one limit. What a header left out is null. */
export interface Observation {
  readonly dimension: Dimension;
  readonly limit: number | null;
  readonly remaining: number | null;
  /** From the response until the allowance is full (continuous) or starts anew (fixed). */
  readonly resetInMs: number | null;
  /** The window, where the provider's documentation or the header states it; null: to be derived. */
  readonly windowMs: number | null;
  /** Whether the header itself named the window, as `-minute` or `;w=60` do. */
  readonly windowNamed: boolean;
  readonly refill: Refill;
}

/** The headers that tell one limit, and what the provider's documentation adds to them. */
export interface LimitHeaders {
  readonly dimension: Dimension;
  readonly limit: string;
  readonly remaining: string;
  /** Null: no header tells it. */
  readonly reset: string | null;
  /** Null: to be derived. */
  readonly windowMs: number | null;
  /** Whether a header names the window. */
  readonly windowNamed: boolean;
  readonly refill: Refill;
}

/** What an error body says of limits beyond its verdict. */
export interface BodyReading {
  readonly observations: readonly Observation[];
  /** The wait that it asks for; null: none. */
  readonly waitMs: number | null;
}

/** Where a fact about a provider comes from, and how far it can be trusted. */
export interface Source {
  readonly fact: string;
  readonly confidence: 'documented' | 'recorded' | 'derived' | 'reported' | 'assumed';
  readonly source: string;
}

export interface IgnoredHeader {
  readonly name: string;
  readonly reason: string;
}

/** Everything that was read from the headers of one response. */
export interface HeaderReading {
  readonly observations: readonly Observation[];
  /** The longest valid wait that the response asked for. */
  readonly retryAfterMs: number | null;
  /** Whose allowance it is, where the response says so. */
  readonly account: string | null;
  readonly ignored: readonly IgnoredHeader[];
}

export type Verdict =
  | 'ok'
  | 'rate_limited'
  | 'overloaded'
  | 'invalid_credential'
  | 'billing'
  | 'forbidden'
  | 'environment'
  | 'client_error'
  | 'server_error'
  | 'no_response';

export type VerdictScope = 'request' | 'key_model' | 'key' | 'limit_group' | 'provider';

/** One row of a provider's verdict table; the first that matches counts. */
export interface VerdictRow {
  /** The statuses it is about. */
  readonly status: readonly number[];
  /** What the error body, or a header line `name: value`, must contain; left out: anything. */
  readonly match?: RegExp;
  readonly verdict: Verdict;
  readonly scope: VerdictScope;
  /**
   * Where the end comes from, beyond `retry-after`, which always wins: a moment read from the body ("regain access on …"),
   * the first of next month UTC, or a wait read from the body ("try again in 6m0s"). Left out: the verdict's default.
   */
  readonly until?: 'date_in_body' | 'month_end' | 'wait_in_body';
  /** How long, in milliseconds, where neither headers nor body say; left out: the verdict's default. */
  readonly waitMs?: number;
}

/** What a report means, before it is applied. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly scope: VerdictScope;
  /** The wait that headers or body asked for; null: they did not. */
  readonly waitMs: number | null;
}

export interface Credential {
  readonly secret: string;
  readonly headerName: string;
  readonly headerValue: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly baseUrl: string;
}

/** Tokens that a call really used. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadInputTokens: number;
  readonly cacheCreationInputTokens: number;
}

/** Response headers, names in lower case. */
export type Headers = ReadonlyMap<string, string>;

/** One provider: its header dialect, model classes, credential headers, verdict table, and what it counts when. All of it data but the readers. */
export interface Provider {
  readonly name: string;
  /** The headers that `readHeaders` understands, for people and for tests. */
  readonly limits?: readonly LimitHeaders[];
  readHeaders(headers: Headers, responseTime: Millis): HeaderReading;
  /** Reads an error body of at most 16 KiB where it tells more than its words; `clock` is the provider's. Pure, never throws. */
  readBody?(body: string, clock: Millis): BodyReading;
  readonly modelClasses: readonly ModelClassRule[];
  credential(secret: string): Credential;
  readonly verdicts: readonly VerdictRow[];
  readonly counting: Readonly<Record<Dimension, Counting>>;
  /** Tokens that count against the limits, of those that a call used. */
  counted(usage: Usage): { readonly inputTokens: number; readonly outputTokens: number };
  /** Whether the tokens of a call that failed with a 4xx count. */
  readonly failedTokensCount: boolean;
  /** Where all this comes from, for people. */
  readonly sources?: readonly Source[];
}
