import type { Meter, Spent, Told } from '../pool/model.ts';
import type { Millis } from '../pool/upstream.ts';

/**
 * A meter as stores keep it: its fields in an order that is fixed, and what it remembers one after another in one array each. A limit
 * group is written with every grant and every settlement, and with its names it would be several times as long.
 */
export type MeterRow = readonly [
  ...[dimension: Meter['dimension'], source: Meter['source'], refill: Meter['refill'], limit: number],
  ...[windowMs: number, windowKnown: boolean, namedWindowMs: number | null],
  ...[deficit: number, at: Millis, resetTime: Millis | null, refillPerMs: number, reserved: number],
  ...[observedRequestTime: Millis | null, observedResponseTime: Millis | null],
  ...[spent: readonly Packed[], told: readonly Packed[] | null],
];

/** An amount, or a time by its distance from the meter's own; a time that is no whole millisecond is told as text, so that it stays as it is. */
type Packed = number | string | null;

export function rowOf(meter: Meter): MeterRow {
  const { dimension, source, refill, limit, windowMs, windowKnown, namedWindowMs, at, told } = meter;
  const { deficit, resetTime, refillPerMs, reserved, observedRequestTime, observedResponseTime } = meter;
  return [
    ...([dimension, source, refill, limit, windowMs, windowKnown, namedWindowMs] as const),
    ...([deficit, at, resetTime, refillPerMs, reserved, observedRequestTime, observedResponseTime] as const),
    ...([packedSpent(meter.spent, at), told === undefined ? null : packedTold(told, at)] as const),
  ];
}

export function meterOf(row: MeterRow): Meter {
  // biome-ignore format: as in the row
  const [
    dimension, source, refill, limit, windowMs, windowKnown, namedWindowMs, deficit, at, resetTime, refillPerMs,
    reserved, observedRequestTime, observedResponseTime, spent, told,
  ] = row;
  return {
    ...{ dimension, source, refill, limit, windowMs, windowKnown, namedWindowMs, deficit, at, resetTime, refillPerMs },
    ...{ reserved, observedRequestTime, observedResponseTime, spent: spentIn(spent, at) },
    ...(told === null ? {} : { told: toldIn(told, at) }),
  };
}

function packedSpent(spent: readonly Spent[], from: Millis): Packed[] {
  const row: Packed[] = [];
  for (const { amount, containedAfter, countedBy } of spent) row.push(amount, packed(containedAfter, from), packed(countedBy, from));
  return row;
}

function spentIn(row: readonly Packed[], from: Millis): Spent[] {
  const spent: Spent[] = [];
  for (let i = 0; i < row.length; i += 3) {
    spent.push({ amount: row[i] as number, containedAfter: time(row[i + 1], from), countedBy: time(row[i + 2], from) });
  }
  return spent;
}

function packedTold(told: readonly Told[], from: Millis): Packed[] {
  const row: Packed[] = [];
  for (const { requestTime, containedAfter, deficit, at, resetTime, refillPerMs } of told) {
    row.push(packed(requestTime, from), packed(containedAfter, from), deficit, packed(at, from));
    row.push(resetTime === null ? null : packed(resetTime, from), refillPerMs);
  }
  return row;
}

function toldIn(row: readonly Packed[], from: Millis): Told[] {
  const told: Told[] = [];
  for (let i = 0; i < row.length; i += 6) {
    const resetTime = row[i + 4] ?? null;
    told.push({
      ...{ requestTime: time(row[i], from), containedAfter: time(row[i + 1], from), deficit: row[i + 2] as number },
      ...{ at: time(row[i + 3], from), resetTime: resetTime === null ? null : time(resetTime, from), refillPerMs: row[i + 5] as number },
    });
  }
  return told;
}

function packed(moment: Millis, from: Millis): Packed {
  return Number.isSafeInteger(moment) && Number.isSafeInteger(from) ? moment - from : String(moment);
}

function time(told: Packed | undefined, from: Millis): Millis {
  return typeof told === 'string' ? Number(told) : from + (told as number);
}
