/** Milliseconds since the epoch by the clients' clock, which never steps. */
export type Moment = number;

/** A lease as an answer told it. */
export interface ToldLease {
  readonly id: string;
  readonly key: string;
  readonly isActive: boolean;
  readonly isReleased: boolean;
  readonly expireTime: Moment;
  readonly requests: number;
  readonly reported: number;
}

export type Ask =
  | { readonly kind: 'acquire'; readonly requestId: string; readonly requests: number }
  | { readonly kind: 'report'; readonly leaseId: string; readonly reportId: string }
  | { readonly kind: 'release'; readonly leaseId: string };

/** `refused`: it certainly came to nothing. `unknown`: it happened, or it did not. */
export type Answer =
  | { readonly kind: 'lease'; readonly lease: ToldLease }
  | { readonly kind: 'refused' | 'unknown'; readonly status: string };

/** One call as its caller saw it. */
export interface Call {
  readonly holder: string;
  readonly pool: string;
  readonly replica: number;
  readonly sent: Moment;
  readonly answered: Moment;
  readonly ask: Ask;
  readonly answer: Answer;
}

/** What a pool said, once everything in it was over, is left of a limit on input tokens. */
export interface Balance {
  readonly pool: string;
  readonly key: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly remaining: number;
  readonly at: Moment;
}

/** Everything that clients were told; nothing else is known to those who check. */
export interface Journal {
  readonly calls: readonly Call[];
  readonly balances: readonly Balance[];
}

export function moment(): Moment {
  return performance.timeOrigin + performance.now();
}

/** An acknowledged grant: the lease, and the first answer that told it. */
export interface Grant {
  readonly call: Call;
  readonly lease: ToldLease;
  readonly requestId: string;
}

export function grantOf(call: Call): Grant | null {
  const { ask, answer } = call;
  return ask.kind === 'acquire' && answer.kind === 'lease' ? { call, lease: answer.lease, requestId: ask.requestId } : null;
}
