import type { Dimension, Millis, ModelClass } from '../pool/upstream.ts';
import { amountOf } from './provider-model.ts';
import { type Call, limitsOf, type Scenario, START } from './scenario.ts';

/** What can bind: a limit, or the time of calls under way where there may only be so many at once. */
type Resource = Dimension | 'calls_at_once';

/** What of a resource was asked for, and what one who knows everything could have used of it. */
export interface Bound {
  readonly modelClass: ModelClass;
  readonly resource: Resource;
  readonly demand: number;
  readonly possible: number;
}

/** A resource of all organizations together, as if calls could be split among them. */
interface Source {
  readonly perOrganization: number;
  readonly windowMs: number;
  /** `flow`: it cannot be saved up. */
  readonly refill: 'continuous' | 'fixed' | 'flow';
  readonly fill: number;
}

/**
 * For each model class the resource that binds: of which the smallest share of the demand can be met. The bound is never below what is
 * possible: it forgets that calls cannot be split and that the limits bind together.
 */
export function bindingBounds(scenario: Scenario, calls: readonly Call[]): readonly Bound[] {
  const byClass = Map.groupBy(calls, ({ modelClass }) => modelClass);
  return [...byClass].flatMap(([modelClass, ofClass]) => {
    const bounds = boundsOf(scenario, modelClass, ofClass, byClass.size === 1);
    const share = ({ demand, possible }: Bound) => possible / demand;
    return bounds.length === 0 ? [] : [bounds.reduce((a, b) => (share(b) < share(a) ? b : a))];
  });
}

function boundsOf(scenario: Scenario, modelClass: ModelClass, calls: readonly Call[], alone: boolean): readonly Bound[] {
  const { windowMs, refill, fill, concurrency } = scenario.provider;
  const limits = Object.entries(limitsOf(scenario.provider, modelClass)) as [Dimension, number][];
  const bound = (resource: Resource, source: Source, amount: (call: Call) => number): Bound => ({
    modelClass,
    resource,
    demand: calls.reduce((sum, call) => sum + amount(call), 0),
    possible: possibleUse(scenario, calls, source, amount),
  });
  const told = limits.map(([dimension, perOrganization]) =>
    bound(dimension, { perOrganization, windowMs, refill, fill }, (call) => amountOf(dimension, call)),
  );
  if (concurrency === null || !alone) return told;
  const slots: Source = { perOrganization: concurrency, windowMs: 1, refill: 'flow', fill: 0 };
  return [...told, bound('calls_at_once', slots, ({ lengthMs }) => lengthMs)];
}

/** The most that calls can use until the end, each between its arrival and the end of its client's patience. */
function possibleUse(scenario: Scenario, calls: readonly Call[], source: Source, amount: (call: Call) => number): number {
  const end = START + scenario.durationMs;
  const jobs = calls.map((call) => ({ time: call.arrival, left: amount(call), until: call.arrival + scenario.patience.giveUpMs }));
  const times = [...new Set([...jobs.flatMap(({ time, until }) => [time, until]), ...breaks(scenario, source), end])].sort((a, b) => a - b);
  let [now, level, used, head, arrived] = [START, source.fill * capacity(scenario, source, START), 0, 0, 0];
  let most = capacity(scenario, source, START);
  const revoked = new Set(scenario.keys.flatMap(({ revokedAtMs }) => (revokedAtMs === null ? [] : [START + revokedAtMs])));
  for (const time of times.filter((each) => each <= end)) {
    if (revoked.has(now)) most = capacity(scenario, source, now);
    const flow = source.refill === 'fixed' ? 0 : (most / source.windowMs) * (time - now);
    let available = Math.min(level, most) + flow;
    const isShut = isOut(scenario, now);
    while (!isShut && head < arrived && available > 0) {
      const job = jobs[head] as (typeof jobs)[number];
      const served = job.until <= now ? 0 : Math.min(job.left, available);
      job.left -= served;
      available -= served;
      used += served;
      if (job.left > 0 && job.until > now) break;
      head += 1;
    }
    level = source.refill === 'flow' ? 0 : Math.min(most, available);
    if (source.refill === 'fixed' && Math.floor(time / source.windowMs) > Math.floor(now / source.windowMs)) level = most;
    while (arrived < jobs.length && (jobs[arrived] as (typeof jobs)[number]).time <= time) arrived += 1;
    now = time;
  }
  return used;
}

/** The moments at which a source changes. */
function breaks({ durationMs, keys, provider }: Scenario, source: Source): readonly Millis[] {
  const windows = source.refill === 'fixed' ? Math.ceil(durationMs / source.windowMs) : 0;
  const resets = Array.from({ length: windows }, (_, place) => (Math.floor(START / source.windowMs) + place + 1) * source.windowMs);
  const revoked = keys.flatMap(({ revokedAtMs }) => (revokedAtMs === null ? [] : [START + revokedAtMs]));
  return [...resets, ...revoked, ...provider.troubles.flatMap(({ atMs, forMs }) => [START + atMs, START + atMs + forMs])];
}

/** What the organizations that still have a valid key allow together. */
function capacity({ keys }: Scenario, { perOrganization }: Source, now: Millis): number {
  const valid = keys.filter(({ revokedAtMs }) => revokedAtMs === null || now < START + revokedAtMs);
  return perOrganization * new Set(valid.map(({ organization }) => organization)).size;
}

/** Whether nobody is let in at the moment. */
function isOut({ provider }: Scenario, now: Millis): boolean {
  return provider.troubles.some(({ atMs, forMs, share }) => share === 1 && now >= START + atMs && now < START + atMs + forMs);
}
