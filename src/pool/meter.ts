import type { Meter } from './model.ts';
import type { Millis } from './upstream.ts';

/**
 * Rounding errors of a straight line are far below this; a real unit of any limit is far above. No round number, so that lines between
 * round numbers do not meet it at a whole millisecond, where a rounding error would decide.
 */
export const NEGLIGIBLE = 1e-6 / Math.PI;

/** limit − remaining at a time, without reservations. Time before the meter's own moment brings nothing back. */
export function deficitAt(meter: Meter, now: Millis): number {
  if (now <= meter.at || meter.deficit === 0) return meter.deficit;
  if (meter.refill === 'fixed') return now >= nextReset(meter) ? 0 : meter.deficit;
  const untilReset = meter.resetTime === null ? 0 : Math.max(0, Math.min(now, meter.resetTime) - meter.at);
  const afterReset = now - meter.at - untilReset;
  const left = meter.deficit - untilReset * meter.refillPerMs - afterReset * steadyRefillPerMs(meter);
  return left < NEGLIGIBLE ? 0 : left;
}

/** What the provider would still allow at a time, as far as is known, before reservations. */
export function remainingAt(meter: Meter, now: Millis): number {
  return Math.max(0, meter.limit - deficitAt(meter, now));
}

/** What can still be reserved at a time. Negative where more is held than is left. */
export function roomAt(meter: Meter, now: Millis): number {
  return meter.limit - deficitAt(meter, now) - meter.reserved;
}

/** A caller who needs nothing of a dimension is not held up by it, and nobody by a rounding error. */
export function fits(meter: Meter, amount: number, now: Millis): boolean {
  return amount === 0 || roomAt(meter, now) + NEGLIGIBLE >= amount;
}

/** Counts an amount as used from a time on. */
export function debit(meter: Meter, amount: number, at: Millis): Meter {
  const moment = Math.max(at, meter.at);
  return { ...meter, deficit: deficitAt(meter, moment) + amount, at: moment };
}

/** When the meter will be full if nothing more is used; null: it is full. */
export function fullTime(meter: Meter, now: Millis): Millis | null {
  return deficitAt(meter, now) === 0 ? null : firstTime(meter, 0, now, (time) => deficitAt(meter, time) === 0);
}

/** A reservation that will count as used at a time if nobody settles it before. */
export interface Expiry {
  readonly time: Millis;
  readonly amount: number;
}

/**
 * The earliest whole millisecond from `now` on at which the amount fits, if nothing happens but refill and the given expiries,
 * which come in the order of their times; null: it never does.
 */
export function earliestFit(meter: Meter, amount: number, now: Millis, expiries: readonly Expiry[]): Millis | null {
  if (amount === 0) return now;
  if (amount > meter.limit) return null;
  let ahead = meter;
  for (const expiry of expiries) {
    const time = earliestRefill(ahead, amount, now);
    if (time !== null) return time;
    ahead = { ...debit(ahead, Math.min(expiry.amount, ahead.limit), expiry.time), reserved: ahead.reserved - expiry.amount };
  }
  return earliestRefill(ahead, amount, now);
}

/** The same if nothing happens but refill. */
function earliestRefill(meter: Meter, amount: number, now: Millis): Millis | null {
  const bearable = meter.limit - meter.reserved - amount;
  if (bearable + NEGLIGIBLE < 0) return null;
  return firstTime(meter, bearable, Math.max(now, meter.at), (time) => fits(meter, amount, time));
}

/** The first whole millisecond, not before `from`, at which enough has come back: at about the deficit that is bearable. */
function firstTime(meter: Meter, bearable: number, from: Millis, isEnough: (time: Millis) => boolean): Millis {
  if (isEnough(from)) return from;
  if (meter.refill === 'fixed') return Math.ceil(nextReset(meter));
  return firstFrom(Math.max(from + 1, Math.ceil(crossing(meter, bearable))), from, isEnough);
}

/** The first whole number after `early` from which on something is so. Near the guess it takes two looks, far from it few. */
function firstFrom(guess: number, early: number, isSo: (n: number) => boolean): number {
  let [no, yes] = [early, guess];
  for (let step = 1; !isSo(yes); step *= 2) [no, yes] = [yes, yes + step];
  for (let step = 1; yes - step > no; step *= 2) {
    if (isSo(yes - step)) yes -= step;
    else no = yes - step;
  }
  for (let middle = between(no, yes); middle > no && middle < yes; middle = between(no, yes)) {
    if (isSo(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

function between(low: number, high: number): number {
  return Math.floor(low + (high - low) / 2);
}

function crossing(meter: Meter, bearable: number): Millis {
  const surplus = meter.deficit - bearable;
  const untilReset = meter.resetTime === null ? 0 : Math.max(0, meter.resetTime - meter.at);
  const beforeReset = untilReset * meter.refillPerMs;
  if (surplus <= beforeReset) return meter.at + surplus / meter.refillPerMs;
  return meter.at + untilReset + (surplus - beforeReset) / steadyRefillPerMs(meter);
}

function steadyRefillPerMs(meter: Meter): number {
  return meter.limit / meter.windowMs;
}

/** The first moment after the meter's own at which a fixed window ends. */
function nextReset(meter: Meter): Millis {
  const reset = meter.resetTime ?? meter.at + meter.windowMs;
  if (reset > meter.at) return reset;
  return reset + (Math.floor((meter.at - reset) / meter.windowMs) + 1) * meter.windowMs;
}
