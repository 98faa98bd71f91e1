import { type Call, grantOf, type Moment } from './journal.ts';

/** What clients saw of one fault; times in milliseconds. */
export interface Outage {
  /** The longest time, from the fault on, in which some pool granted nothing. */
  readonly unavailableMs: number;
  /** From the end of the fault until every pool granted again. */
  readonly resumedMs: number;
  /** Calls of which their callers do not know what became. */
  readonly failed: number;
  /** p99 of answered acquires at the replicas that nothing was done to, before, during and after. */
  readonly othersP99: readonly [before: number, during: number, after: number];
}

export interface OutageOptions {
  readonly began: Moment;
  readonly ended: Moment;
  readonly resumed: Moment;
  readonly aroundMs: number;
  readonly victim: number;
}

export function outageOf(calls: readonly Call[], { began, ended, resumed, aroundMs, victim }: OutageOptions): Outage {
  const others = (from: Moment, to: Moment) =>
    percentile(
      calls
        .filter(({ ask, answer, replica }) => ask.kind === 'acquire' && answer.kind !== 'unknown' && replica !== victim)
        .filter(({ sent }) => from <= sent && sent < to)
        .map(({ sent, answered }) => answered - sent),
      0.99,
    );
  const around = calls.filter(({ answered }) => answered >= began - aroundMs && answered <= resumed + aroundMs);
  return {
    unavailableMs: longestGap(around, began, resumed),
    resumedMs: resumed - ended,
    failed: around.filter(({ answer, answered }) => answer.kind === 'unknown' && answered >= began).length,
    othersP99: [others(began - aroundMs, began), others(began, began + aroundMs), others(began + aroundMs, began + 2 * aroundMs)],
  };
}

function longestGap(calls: readonly Call[], began: Moment, resumed: Moment): number {
  const grants = calls.filter((call) => grantOf(call)?.lease.isActive && call.answered >= began && call.answered <= resumed);
  const gaps = [...Map.groupBy(grants, ({ pool }) => pool).values()].map((ofPool) => {
    const times = [began, ...ofPool.map(({ answered }) => answered), resumed];
    return Math.max(...times.slice(1).map((time, place) => time - (times[place] as number)));
  });
  return Math.max(0, ...gaps);
}

/** Calls that were answered with a lease. */
export function acknowledged(calls: readonly Call[]): readonly Call[] {
  return calls.filter(({ answer }) => answer.kind === 'lease');
}

/** The smallest value that so large a part does not exceed; NaN of nothing. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}
