import { type Call, grantOf, type Moment } from './journal.ts';
import { USAGE } from './pools.ts';

/** What clients saw of one fault; times in milliseconds. */
export interface Outage {
  /** The longest time, from the fault on, in which some pool granted nothing. */
  readonly unavailableMs: number;
  /** From the end of the fault until every pool granted again. */
  readonly resumedMs: number;
  /** Calls of which their callers do not know what became. */
  readonly failed: number;
  readonly others: Others;
}

/** How fast the replicas that nothing was done to answered calls that wait for no key; p99, NaN where they answered none. */
export interface Others {
  /** Before the fault. */
  readonly before: number;
  /** In each second from the fault on. */
  readonly seconds: readonly number[];
  /** After so many seconds none is above twice of what it was before; null: the last one is. */
  readonly calmAfter: number | null;
}

export interface OutageOptions {
  readonly began: Moment;
  readonly ended: Moment;
  readonly resumed: Moment;
  readonly aroundMs: number;
  readonly victim: number;
}

export function outageOf(calls: readonly Call[], { began, ended, resumed, aroundMs, victim }: OutageOptions): Outage {
  const around = calls.filter(({ answered }) => answered >= began - aroundMs && answered <= resumed + aroundMs);
  return {
    unavailableMs: longestGap(around, began, resumed),
    resumedMs: resumed - ended,
    failed: around.filter(({ answer, answered }) => answer.kind === 'unknown' && answered >= began).length,
    others: othersOf(
      calls.filter(({ replica }) => replica !== victim),
      { began, aroundMs },
    ),
  };
}

const SECOND_MS = 1_000;

function othersOf(calls: readonly Call[], { began, aroundMs }: Pick<OutageOptions, 'began' | 'aroundMs'>): Others {
  const answered = calls.filter((call) => call.answer.kind !== 'unknown' && !mayWait(call));
  const p99 = (from: Moment, to: Moment) => {
    const sent = answered.filter((call) => from <= call.sent && call.sent < to);
    return percentile(
      sent.map((call) => call.answered - call.sent),
      0.99,
    );
  };
  const before = p99(began - aroundMs, began);
  const seconds = Array.from({ length: (2 * aroundMs) / SECOND_MS }, (_, place) => {
    const from = began + place * SECOND_MS;
    return p99(from, from + SECOND_MS);
  });
  // A second without any answer is not a calm one.
  const calmAfter = seconds.findLastIndex((value) => !(value <= 2 * before)) + 1;
  return { before, seconds, calmAfter: calmAfter === seconds.length ? null : calmAfter };
}

function longestGap(calls: readonly Call[], began: Moment, resumed: Moment): number {
  const grants = calls.filter((call) => grantOf(call)?.lease.isActive && call.answered >= began && call.answered <= resumed);
  const gaps = [...Map.groupBy(grants, ({ pool }) => pool).values()].map((ofPool) => {
    const times = [began, ...ofPool.map(({ answered }) => answered), resumed];
    return Math.max(...times.slice(1).map((time, place) => time - (times[place] as number)));
  });
  return Math.max(0, ...gaps);
}

/** In this pool there is always room. */
function mayWait({ ask, pool }: Call): boolean {
  return ask.kind === 'acquire' && pool !== USAGE.pool;
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
