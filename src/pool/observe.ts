import { debit, deficitAt } from './meter.ts';
import type { ConfiguredLimit, Meter, Spent, Told } from './model.ts';
import type { Millis, Observation } from './upstream.ts';

/** Requests overtake each other on the way to the provider by less than this. */
const OVERTAKING_MARGIN_MS = 100;

/** What no observation contains is kept in at most this many parts; beyond it, parts that are close in time become one. */
const PARTS_MAX = 64;

/** Limits kept for one model class: callers send the headers, and a header may name any window. */
const METERS_MAX = 16;

/** Waits are told in whole seconds. */
const RESET_ROUNDING_MS = 1_000;

const MINUTE_MS = 60_000;

const MONTH_MS = 2_592_000_000;

/** Windows that providers use. A derived one within 15 % of one of them is that one. */
const USUAL_WINDOWS_MS = [1_000, 10_000, MINUTE_MS, 3_600_000, 86_400_000, MONTH_MS];

type Remembered = Pick<Spent, 'containedAfter'>;

type LimitOver = Pick<ConfiguredLimit, 'dimension' | 'windowMs'>;

/** When the request of an observation was sent, and when its response arrived; the numbers were taken somewhere between. */
export interface ObservedAt {
  readonly requestTime: Millis;
  readonly responseTime: Millis;
  /** As late as the request may have been sent, where the numbers surely contain it; absent: they may not. */
  readonly sentTime?: Millis;
}

/** A limit of the configuration as a full bucket that refills over its window. */
export function configuredMeter(limit: ConfiguredLimit): Meter {
  return {
    dimension: limit.dimension,
    source: 'configured',
    refill: 'continuous',
    limit: limit.limit,
    windowMs: limit.windowMs,
    windowKnown: true,
    namedWindowMs: limit.windowMs,
    deficit: 0,
    at: 0,
    resetTime: null,
    refillPerMs: 0,
    reserved: 0,
    observedRequestTime: null,
    observedResponseTime: null,
    spent: [],
  };
}

/** The meters after an observation: the one that it is about is replaced, or a new one is added. */
export function observeAll(meters: readonly Meter[], observation: Observation, at: ObservedAt): readonly Meter[] {
  const known = meters.find((meter) => isAbout(observation, meter));
  const learnt = observe(known, observation, at);
  if (learnt === undefined || (known === undefined && meters.length >= METERS_MAX)) return meters;
  return known === undefined ? [...meters, learnt] : meters.map((meter) => (meter === known ? learnt : meter));
}

/** A configured limit gives way to what responses say about the same window; one over quite another window stays beside it. */
function isAbout(observation: Observation, meter: Meter): boolean {
  if (observation.dimension !== meter.dimension) return false;
  if (observation.windowNamed) return meter.namedWindowMs === observation.windowMs;
  if (meter.source === 'learned') return meter.namedWindowMs === null;
  const derived = windowOf(observation);
  return derived === null || isSameWindow({ dimension: observation.dimension, windowMs: derived }, meter);
}

/** Whether two limits are about one dimension and about one window, told as they are by different means. */
export function isSameWindow(a: LimitOver, b: LimitOver): boolean {
  return a.dimension === b.dimension && a.windowMs > b.windowMs / 2 && a.windowMs < b.windowMs * 2;
}

function observe(known: Meter | undefined, observation: Observation, at: ObservedAt): Meter | undefined {
  const limit = observation.limit ?? (known === undefined ? observation.remaining : Math.max(known.limit, observation.remaining ?? 0));
  if (limit === null || limit === 0) return undefined;
  if (known !== undefined && isOlder(at, known)) return lowered(known, observation, at);
  const windowMs = windowOf(observation) ?? known?.windowMs ?? MINUTE_MS;
  const frame: Meter = {
    ...(known ?? configuredMeter({ dimension: observation.dimension, limit, windowMs })),
    source: 'learned',
    // How a limit comes back is told by a reset, not by the limit alone.
    refill: observation.remaining === null ? (known?.refill ?? 'continuous') : observation.refill,
    limit,
    windowMs,
    windowKnown: windowOf(observation) !== null || (known?.windowKnown ?? false),
    namedWindowMs: observation.windowNamed ? observation.windowMs : null,
  };
  return observation.remaining === null ? frame : rebased(frame, observation, observation.remaining, at);
}

/** By request or by response: either alone could make it say more than a newer one did. Of two at the same time the lower counts. */
function isOlder(at: ObservedAt, known: Meter): boolean {
  const { observedRequestTime, observedResponseTime } = known;
  if (observedRequestTime === null || observedResponseTime === null) return false;
  if (at.requestTime === observedRequestTime && at.responseTime === observedResponseTime) return true;
  return at.requestTime < observedRequestTime || at.responseTime < observedResponseTime;
}

/** A late report may lower what is known, and never raises it. */
function lowered(known: Meter, observation: Observation, at: ObservedAt): Meter {
  return observation.remaining === null ? known : loweredTo(known, grounded(known, observation, observation.remaining, at), at);
}

function loweredTo(known: Meter, claimed: Meter, at: ObservedAt): Meter {
  const moment = Math.max(at.responseTime, known.at);
  const claim = at.sentTime === undefined ? claimed : withSpent(claimed);
  const deficit = Math.max(deficitAt(known, moment), deficitAt(claim, moment));
  return withTold({ ...known, deficit, at: moment }, claimed, at);
}

/** The observation becomes the new ground; usage that it does not surely contain is counted on top. */
function rebased(frame: Meter, observation: Observation, remaining: number, at: ObservedAt): Meter {
  const told = (frame.told ?? []).filter((other) => !isContained(other.containedAfter, at.requestTime));
  const ground: Meter = {
    ...grounded(frame, observation, remaining, at),
    observedRequestTime: at.requestTime,
    observedResponseTime: at.responseTime,
    spent: frame.spent.filter((part) => !isContained(part.containedAfter, at.requestTime)),
    told,
  };
  return withTold(withSpent(raised(ground, told)), ground, at);
}

function withSpent(ground: Meter): Meter {
  return ground.spent.reduce((meter, part) => debit(meter, part.amount, part.countedBy), ground);
}

/**
 * Each response contains its own request, so the one whose request was counted last contains all of them. Which one that is nobody
 * knows, but no more is missing than by the one that says most.
 */
function raised(meter: Meter, others: readonly Told[]): Meter {
  const at = Math.max(meter.at, ...others.map((told) => told.at));
  const deficit = Math.max(deficitAt(meter, at), ...others.map((told) => deficitAt({ ...meter, ...told }, at)));
  return { ...meter, deficit, at };
}

/** Learns what a response told to another meter of the same allowance. */
export function retell(meter: Meter, told: Told): Meter {
  const { observedRequestTime } = meter;
  if (observedRequestTime !== null && isContained(told.containedAfter, observedRequestTime)) return meter;
  return loweredTo(meter, { ...meter, ...told }, { requestTime: told.requestTime, responseTime: told.at, sentTime: told.containedAfter });
}

/** Remembers what a response told until an observation surely contains its request. */
function withTold(meter: Meter, { deficit, at, resetTime, refillPerMs }: Meter, { requestTime, sentTime }: ObservedAt): Meter {
  if (sentTime === undefined || isContained(sentTime, meter.observedRequestTime ?? sentTime)) return meter;
  const told: Told = { requestTime, containedAfter: sentTime, deficit, at, resetTime, refillPerMs };
  return { ...meter, told: [...merged(meter.told ?? [], (a, b) => higher(meter, a, b)), told] };
}

/** One for both, which says at no time that less is missing than either. */
function higher(meter: Meter, a: Told, b: Told): Told {
  const later = a.at >= b.at ? a : b;
  const deficit = Math.max(...[a, b].map((told) => deficitAt({ ...meter, ...told }, later.at)));
  return { ...later, deficit, containedAfter: Math.max(a.containedAfter, b.containedAfter) };
}

/** What is missing and how it comes back, by the word of one observation alone. */
function grounded(frame: Meter, observation: Observation, remaining: number, at: ObservedAt): Meter {
  const deficit = Math.max(0, frame.limit - remaining);
  const resetInMs = resetIn(frame, observation, deficit);
  return {
    ...frame,
    deficit,
    at: at.responseTime,
    resetTime: resetInMs === null ? null : (knownReset(frame, resetInMs, at) ?? at.responseTime + resetInMs),
    refillPerMs: resetInMs === null || resetInMs === 0 ? frame.limit / frame.windowMs : deficit / resetInMs,
  };
}

/**
 * The end of a fixed window that is known already, where this observation can mean the same one: a wait is told by the time at which the
 * numbers were taken, which lies somewhere between request and response, and in whole seconds. null: it means another one.
 */
function knownReset({ refill, resetTime }: Meter, resetInMs: number, at: ObservedAt): Millis | null {
  if (refill !== 'fixed' || resetTime === null || resetTime <= at.responseTime) return null;
  const isSame = resetTime >= at.requestTime + resetInMs - RESET_ROUNDING_MS && resetTime <= at.responseTime + resetInMs;
  return isSame ? resetTime : null;
}

/** A reset that is over although something is missing contradicts itself: then only time over the window brings it back. */
function resetIn(frame: Meter, observation: Observation, deficit: number): number | null {
  if (observation.resetInMs !== null && (observation.resetInMs > 0 || deficit === 0)) return observation.resetInMs;
  if (frame.refill === 'fixed') return frame.windowMs;
  return deficit === 0 ? null : (deficit * frame.windowMs) / frame.limit;
}

/** Whether an observation of a request sent at `requestTime` surely counted what happened at `moment`. */
export function isContained(moment: Millis, requestTime: Millis): boolean {
  return moment < requestTime - OVERTAKING_MARGIN_MS;
}

/**
 * The stated window, or the one that follows from what is missing and when it will be back; null: neither. A reset in whole seconds
 * can make that one absurdly long, and no provider counts over more than a month.
 */
export function windowOf(observation: Observation): number | null {
  const { windowMs, limit, remaining, resetInMs, refill } = observation;
  if (windowMs !== null) return windowMs;
  if (refill === 'fixed' || limit === null || remaining === null || resetInMs === null) return null;
  if (resetInMs === 0 || remaining >= limit) return null;
  const derived = (resetInMs * limit) / (limit - remaining);
  return USUAL_WINDOWS_MS.find((usual) => Math.abs(derived - usual) <= usual * 0.15) ?? Math.min(derived, MONTH_MS);
}

/** Counts a part as used, and remembers it until an observation surely contains it. */
export function spend(meter: Meter, part: Spent): Meter {
  const capped = cappedAt(meter.limit, part);
  if (capped.amount === 0) return meter;
  const contained = meter.observedRequestTime !== null && isContained(part.containedAfter, meter.observedRequestTime);
  return contained ? meter : { ...debit(meter, capped.amount, capped.countedBy), spent: merged([...meter.spent, capped], both) };
}

/** No call takes more than the whole limit, however much its report says. */
function cappedAt(limit: number, part: Spent): Spent {
  return part.amount <= limit ? part : { ...part, amount: limit };
}

/**
 * Steps of time just long enough that half as many parts are left, so that it is long until the next time. The steps stand still, so
 * that every part is contained in the end.
 */
function merged<Part extends Remembered>(parts: readonly Part[], join: (a: Part, b: Part) => Part): readonly Part[] {
  if (parts.length <= PARTS_MAX) return parts;
  let few = parts;
  for (let stepMs = OVERTAKING_MARGIN_MS; few.length > PARTS_MAX / 2; stepMs *= 2) few = mergedWithin(few, stepMs, join);
  return few;
}

function mergedWithin<Part extends Remembered>(parts: readonly Part[], stepMs: number, join: (a: Part, b: Part) => Part): readonly Part[] {
  const steps = new Map<number, Part>();
  for (const part of parts) {
    const step = Math.floor(part.containedAfter / stepMs);
    const known = steps.get(step);
    steps.set(step, known === undefined ? part : join(known, part));
  }
  return [...steps.values()];
}

function both(a: Spent, b: Spent): Spent {
  return {
    amount: a.amount + b.amount,
    containedAfter: Math.max(a.containedAfter, b.containedAfter),
    countedBy: Math.max(a.countedBy, b.countedBy),
  };
}
