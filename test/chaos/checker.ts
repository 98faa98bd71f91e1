import { type Balance, type Call, type Grant, grantOf, type Journal, type Moment } from './journal.ts';

export type ViolationKind =
  | 'over-grant'
  | 'over-window'
  | 'double grant'
  | 'double settlement'
  | 'lost settlement'
  | 'expired when granted';

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

/** What may be out on each key of a pool; left out: no bound. */
export interface Bounds {
  readonly leases?: number;
  readonly requests?: { readonly limit: number; readonly windowMs: number };
  /** What each request uses of the limit on input tokens. */
  readonly tokensEach?: number;
}

/** How far the store's clock and the clients' may be apart, both being of one machine. */
const CLOCKS_APART_MS = 20;

/** An answer that lies unread at a busy client is not held against who sent it. */
const UNREAD_MS = 2_000;

/** Rounding of what is told in whole tokens. */
const TOKENS_APART = 2;

/** Reads what clients were told and finds what may not be. Knows nothing of how it is done, and every doubt speaks for the server. */
export function check({ calls, balances }: Journal, bounds: Readonly<Record<string, Bounds>>): readonly Violation[] {
  return [...Map.groupBy(calls, ({ pool }) => pool)].flatMap(([pool, ofPool]) => {
    const history = new History(ofPool);
    const { leases, requests, tokensEach } = bounds[pool] ?? {};
    return [
      ...(leases === undefined ? [] : overGrants(history, leases)),
      ...(requests === undefined ? [] : overWindows(history, requests)),
      ...(tokensEach === undefined
        ? []
        : balances.filter((one) => one.pool === pool).flatMap((one) => unbalanced(history, one, tokensEach))),
      ...doubleGrants(history),
      ...doubleSettlements(history),
      ...expiredGrants(history),
    ];
  });
}

/** The calls of one pool by what they were about. */
class History {
  readonly calls: readonly Call[];
  /** The first acknowledgement of each lease. */
  readonly grants: readonly Grant[];
  readonly #firstSent = new Map<string, Moment>();
  readonly #ends = new Map<string, Call[]>();

  constructor(calls: readonly Call[]) {
    this.calls = [...calls].sort((a, b) => a.answered - b.answered);
    const grants = new Map<string, Grant>();
    for (const call of this.calls) {
      const grant = grantOf(call);
      if (grant !== null && !grants.has(grant.lease.id)) grants.set(grant.lease.id, grant);
      if (call.ask.kind === 'acquire') this.#noteSent(`${call.holder} ${call.ask.requestId}`, call.sent);
      else this.#ends.set(call.ask.leaseId, [...(this.#ends.get(call.ask.leaseId) ?? []), call]);
    }
    this.grants = [...grants.values()];
  }

  /** When it was asked for the first time: the grant may be as old. */
  sentOf({ call, requestId }: Grant): Moment {
    return this.#firstSent.get(`${call.holder} ${requestId}`) as Moment;
  }

  reportsOf({ lease }: Grant): readonly Call[] {
    return (this.#ends.get(lease.id) ?? []).filter(({ ask }) => ask.kind === 'report');
  }

  /** Whether its reservation may have been given back. */
  mayBeReleased({ lease }: Grant): boolean {
    return (this.#ends.get(lease.id) ?? []).some(({ ask }) => ask.kind === 'release');
  }

  /** The first moment at which it may have ended. */
  endOf(grant: Grant): Moment {
    const sent = (this.#ends.get(grant.lease.id) ?? []).filter(({ ask }) => ask.kind === 'release').map((call) => call.sent);
    const reported = this.reportsOf(grant)
      .map((call) => call.sent)
      .sort((a, b) => a - b)[grant.lease.requests - 1];
    return Math.min(grant.lease.expireTime - CLOCKS_APART_MS, reported ?? Number.POSITIVE_INFINITY, ...sent);
  }

  #noteSent(id: string, sent: Moment): void {
    this.#firstSent.set(id, Math.min(sent, this.#firstSent.get(id) ?? sent));
  }
}

/** More leases certainly under way on a key, at one moment, than may be. */
function overGrants(history: History, most: number): Violation[] {
  const active = history.grants.filter(({ lease }) => lease.isActive);
  return [...Map.groupBy(active, ({ lease }) => lease.key)].flatMap(([key, grants]) => {
    const steps = grants
      .map((grant) => ({ from: grant.call.answered, to: history.endOf(grant) }))
      .filter(({ from, to }) => from < to)
      .flatMap(({ from, to }) => [
        { at: from, step: 1 },
        { at: to, step: -1 },
      ])
      .sort((a, b) => a.at - b.at || a.step - b.step);
    let [count, peak, peakAt] = [0, 0, 0];
    for (const { at, step } of steps) {
      count += step;
      if (count > peak) [peak, peakAt] = [count, at];
    }
    return peak <= most ? [] : [violation('over-grant', `${key}: ${peak} leases under way of ${most} at ${timeOf(peakAt)}`)];
  });
}

/** More requests certainly granted between two moments than a full allowance and what came back meanwhile. */
function overWindows(history: History, { limit, windowMs }: { limit: number; windowMs: number }): Violation[] {
  const kept = history.grants.filter((grant) => !history.mayBeReleased(grant));
  return [...Map.groupBy(kept, ({ lease }) => lease.key)].flatMap(([key, grants]) => {
    const spans = grants.map((grant) => ({ sent: history.sentOf(grant), answered: grant.call.answered, requests: grant.lease.requests }));
    let worst = { excess: 0, text: '' };
    for (const { sent: from } of spans) {
      let granted = 0;
      for (const { sent, answered: to, requests } of spans) {
        if (sent < from) continue;
        granted += requests;
        const allowed = limit + (limit * (to - from)) / windowMs;
        if (granted - allowed > worst.excess + 1e-6)
          worst = {
            excess: granted - allowed,
            text: `${granted} requests in ${Math.round(to - from)} ms from ${timeOf(from)}, allowed ${allowed.toFixed(1)}`,
          };
      }
    }
    return worst.excess === 0 ? [] : [violation('over-window', `${key}: ${worst.text}`)];
  });
}

/** One request id, two leases. */
function doubleGrants({ calls }: History): Violation[] {
  const grants = calls.map(grantOf).filter((grant) => grant !== null);
  return [...Map.groupBy(grants, ({ call, requestId }) => `${call.holder} ${requestId}`)].flatMap(([name, same]) => {
    const ids = new Set(same.map(({ lease }) => lease.id));
    return ids.size === 1
      ? []
      : [violation('double grant', `${name}: ${ids.size} leases, at ${same.map(({ call }) => timeOf(call.answered)).join(', ')}`)];
  });
}

/** Two reports on a lease of several requests, each told that it was the same one of them. */
function doubleSettlements(history: History): Violation[] {
  return history.grants.flatMap((grant) => {
    const told = history
      .reportsOf(grant)
      .flatMap(({ ask, answer }) =>
        ask.kind === 'report' && answer.kind === 'lease' && answer.lease.isActive
          ? [{ report: ask.reportId, count: answer.lease.reported }]
          : [],
      );
    return [...Map.groupBy(told, ({ count }) => count)].flatMap(([count, same]) => {
      const reports = new Set(same.map(({ report }) => report));
      return reports.size === 1
        ? []
        : [violation('double settlement', `${[...reports].join(', ')} are each number ${count} of ${grant.lease.id}`)];
    });
  });
}

/** What is left of a limit tells whether something was settled twice, or not at all, whoever was told what. */
function unbalanced(history: History, { key, limit, windowMs, remaining, at }: Balance, each: number): Violation[] {
  const grants = history.grants.filter(({ lease }) => lease.key === key);
  const certain = grants.filter((grant) => !history.mayBeReleased(grant));
  const possible = grants.filter((grant) => !wasReleased(history, grant));
  const tokens = (some: readonly Grant[]) => some.reduce((sum, { lease }) => sum + lease.requests * each, 0);
  const refill = (from: Moment | undefined) => (from === undefined ? 0 : (limit / windowMs) * Math.max(0, at - from));
  const settled = history.calls.find(({ ask, answer }) => ask.kind === 'report' && answer.kind === 'lease' && answer.lease.key === key);
  const spent = limit - remaining;
  const most = tokens(possible) + unanswered(history) * each - refill(settled?.answered) + TOKENS_APART;
  const least = tokens(certain) - refill(grants[0] && history.sentOf(grants[0])) - TOKENS_APART;
  if (spent > most) return [violation('double settlement', `${key}: ${spent} tokens spent, at most ${most.toFixed(1)} used`)];
  return spent < least ? [violation('lost settlement', `${key}: ${spent} tokens spent, at least ${least.toFixed(1)} used`)] : [];
}

function wasReleased({ calls }: History, { lease }: Grant): boolean {
  return calls.some(
    ({ ask, answer }) => ask.kind === 'release' && ask.leaseId === lease.id && answer.kind === 'lease' && answer.lease.isReleased,
  );
}

/** Requests of ids of which nobody knows whether they were granted. */
function unanswered({ calls, grants }: History): number {
  const granted = new Set(grants.map(({ call, requestId }) => `${call.holder} ${requestId}`));
  const doubtful = new Map<string, number>();
  for (const { holder, ask, answer } of calls) {
    if (ask.kind === 'acquire' && answer.kind === 'unknown') doubtful.set(`${holder} ${ask.requestId}`, ask.requests);
  }
  return [...doubtful].reduce((sum, [id, requests]) => sum + (granted.has(id) ? 0 : requests), 0);
}

/** A lease that was over when it was handed out: whoever granted it did not know what time it was. */
function expiredGrants({ calls }: History): Violation[] {
  return calls.flatMap((call) => {
    const grant = grantOf(call);
    if (grant === null || !grant.lease.isActive) return [];
    const late = call.answered - grant.lease.expireTime;
    return late <= UNREAD_MS
      ? []
      : [violation('expired when granted', `${grant.lease.id} by replica ${call.replica}, ${Math.round(late)} ms late`)];
  });
}

function violation(kind: ViolationKind, text: string): Violation {
  return { kind, text };
}

function timeOf(at: Moment): string {
  return new Date(at).toISOString().slice(11, 23);
}
