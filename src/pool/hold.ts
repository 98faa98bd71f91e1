import { NEGLIGIBLE } from './meter.ts';
import type { Demand, Lease, Meter, Spent, Told } from './model.ts';
import { isContained, spend } from './observe.ts';
import type { Counting, Dimension, Millis } from './upstream.ts';

/** Without a word from the caller, a request is taken as sent this long after its lease was granted. */
const GUESSED_SEND_DELAY_MS = 1_000;

type CountingTable = Readonly<Record<Dimension, Counting>>;

export const NOTHING: Demand = { requests: 0, inputTokens: 0, outputTokens: 0 };

/** How much of a demand a dimension sees. */
export function amountOn(dimension: Dimension, demand: Demand): number {
  switch (dimension) {
    case 'requests':
      return demand.requests;
    case 'input_tokens':
      return demand.inputTokens;
    case 'output_tokens':
      return demand.outputTokens;
    case 'tokens':
      return demand.inputTokens + demand.outputTokens;
    default:
      return dimension satisfies never;
  }
}

export function plus(a: Demand, b: Demand): Demand {
  return { requests: a.requests + b.requests, inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens };
}

export function minus(a: Demand, b: Demand): Demand {
  return {
    requests: Math.max(0, a.requests - b.requests),
    inputTokens: Math.max(0, a.inputTokens - b.inputTokens),
    outputTokens: Math.max(0, a.outputTokens - b.outputTokens),
  };
}

/** When the request of a lease is taken to be sent; null: it covers several, which may be sent at any time. */
export function guessedSendTime(requests: number, acquireTime: Millis): Millis | null {
  return requests > 1 ? null : acquireTime + GUESSED_SEND_DELAY_MS;
}

/**
 * What a lease under way holds on a meter. Nothing where the newest observation surely counted its request: the provider counts
 * the dimension in full at the start, and the request is the observed one or was sent well before it.
 */
export function heldOn(meter: Meter, lease: Lease, counting: CountingTable): number {
  const counted = counting[meter.dimension] === 'at_start' && isCounted(meter, lease);
  return counted ? 0 : amountOn(meter.dimension, lease.held);
}

function isCounted({ observedRequestTime, told }: Meter, { acquireTime, sentTime, answerTime }: Lease): boolean {
  if (observedRequestTime === null || sentTime === null) return false;
  const isOwn = ({ requestTime, at }: Told) => at === answerTime && acquireTime <= requestTime && requestTime <= sentTime;
  return isContained(sentTime, observedRequestTime) || (answerTime !== null && told?.some(isOwn) === true);
}

/** The meters with one more lease held on them. */
export function hold(meters: readonly Meter[], lease: Lease, counting: CountingTable): readonly Meter[] {
  return meters.map((meter) => ({ ...meter, reserved: meter.reserved + heldOn(meter, lease, counting) }));
}

/** The meters with one lease no longer held on them. */
export function unhold(meters: readonly Meter[], lease: Lease, counting: CountingTable): readonly Meter[] {
  return meters.map((meter) => ({ ...meter, reserved: withoutResidue(meter.reserved - heldOn(meter, lease, counting)) }));
}

/** Sums of fractions do not come back to nothing by themselves. */
function withoutResidue(amount: number): number {
  return amount < NEGLIGIBLE ? 0 : amount;
}

/** The meters with their reservations counted anew, after an observation or a corrected send time changed what is contained. */
export function recount(meters: readonly Meter[], leases: readonly Lease[], counting: CountingTable): readonly Meter[] {
  return meters.map((meter) => ({ ...meter, reserved: leases.reduce((sum, lease) => sum + heldOn(meter, lease, counting), 0) }));
}

/** When usage was sent, answered and over; decides when an observation contains it and from when on it refills. */
export interface SpentAt {
  readonly sentTime: Millis;
  readonly responseTime: Millis;
  readonly endTime: Millis;
  /** Of the observation that came with it: it contains what is counted at the start. */
  readonly observedRequestTime: Millis;
}

/** The meters after usage that is final. */
export function spendAll(meters: readonly Meter[], used: Demand, at: SpentAt, counting: CountingTable): readonly Meter[] {
  return meters.map((meter) => {
    const atStart = counting[meter.dimension] === 'at_start';
    const isOwn = (meter.told ?? []).some((told) => told.requestTime === at.observedRequestTime && told.at === at.responseTime);
    const part: Spent = {
      amount: amountOn(meter.dimension, used),
      containedAfter: atStart ? at.sentTime : at.endTime,
      countedBy: atStart ? at.responseTime : at.endTime,
    };
    return atStart && isOwn ? meter : spend(meter, part);
  });
}
