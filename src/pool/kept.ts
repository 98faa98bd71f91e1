import { type AcquireOutcome, type AcquireRequest, acquire, askOf, type Chance } from './acquire.ts';
import type { Change, Facts } from './model.ts';
import { knownKey, roomTime } from './room.ts';
import type { Millis } from './upstream.ts';

/** Leases one key as `acquire` does, and leaves alone those whose room is kept for another who waits for it. */
export function acquireBeside(
  facts: Facts,
  request: AcquireRequest,
  waiting: AcquireRequest,
  chance: Chance,
): { outcome: AcquireOutcome; change: Change } {
  return acquire(facts, { ...request, excluded: new Set([...request.excluded, ...keptFor(facts, waiting)]) }, chance);
}

/** The keys whose room is kept for one who waits: those of the limit group in which it has room first. None where no moment is known. */
export function keptFor(facts: Facts, waiting: AcquireRequest): readonly string[] {
  const ask = askOf(facts, waiting);
  const keys = facts.pool.keys.map((config) => knownKey(facts, config));
  let first: { readonly time: Millis; readonly group: string } | undefined;
  for (const key of keys) {
    const time = roomTime(facts, key, ask);
    if (time !== null && (first === undefined || time < first.time)) first = { time, group: key.state.group };
  }
  return keys.filter(({ state }) => state.group === first?.group).map(({ config }) => config.id);
}
