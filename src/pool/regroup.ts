import { unprobed } from './block.ts';
import { mergedGroups, withHeld } from './join.ts';
import type { ConfiguredLimit, Facts, GroupState, KeyConfig, KeyState, Lease, Meter } from './model.ts';
import { configuredMeter, isSameWindow } from './observe.ts';

/** A key of the configuration, as it was known and as it is now. */
export interface KeyChange {
  readonly config: KeyConfig;
  /** undefined: it is new. */
  readonly before: KeyState | undefined;
  readonly now: KeyState;
}

/**
 * Brings the limit groups in line with keys that may have moved, together with `moved`, the leases under way on them. A group starts
 * with what its keys bring along, takes the limits that are configured now, and is well again where every secret in it is a new one.
 */
export function regrouped(facts: Facts, keys: readonly KeyChange[], moved: readonly Lease[]): readonly GroupState[] {
  const ids = new Set([...keys.map(({ now }) => now.group), ...keys.flatMap(({ before }) => before?.group ?? [])]);
  const movedIds = new Set(moved.map(({ id }) => id));
  return [...ids].flatMap((id) => {
    const members = [
      ...[...facts.leasesOfGroup(id)].filter((lease) => !movedIds.has(lease.id)),
      ...moved.filter(({ group }) => group === id),
    ];
    const keysIn = keys.filter(({ now }) => now.group === id);
    const group = withHeld(facts, configured(broughtAlong(facts, id, keysIn), keysIn, members), members);
    return isChanged(facts.group(id), group) ? [group] : [];
  });
}

/** The group as it is known, with what keys that come from another one know. A rotated secret brings nothing. */
function broughtAlong(facts: Facts, id: string, keysIn: readonly KeyChange[]): GroupState {
  const known: GroupState = facts.group(id) ?? { id, version: 0, blocks: {}, meters: {} };
  const arrivals = keysIn.filter(({ before, now }) => before && before.group !== id && before.secretVersion === now.secretVersion);
  const origins = [...new Set(arrivals.map(({ before }) => before!.group))].flatMap((origin) => facts.group(origin) ?? []);
  return origins.reduce((group, origin) => mergedGroups(group, origin, facts.now), known);
}

function configured(group: GroupState, keysIn: readonly KeyChange[], members: readonly Lease[]): GroupState {
  const isNew = keysIn.length > 0 && keysIn.every(({ before, now }) => before && before.secretVersion !== now.secretVersion);
  const gone = Object.values(group.blocks).flatMap(({ probe }) => (members.some(({ id }) => id === probe) ? [] : (probe ?? [])));
  const blocks = isNew ? {} : gone.reduce(unprobed, group.blocks);
  if (keysIn.length === 0) return { ...group, blocks };
  const limits = keysIn.flatMap(({ config }) => config.limits);
  const classes = new Set([...Object.keys(group.meters), ...(limits.length === 0 ? [] : members.map(({ modelClass }) => modelClass))]);
  const meters = [...classes].map((modelClass) => [modelClass, renewed(group.meters[modelClass] ?? [], limits)]);
  return { ...group, blocks, meters: Object.fromEntries(meters) };
}

/** Configured meters take the new limits and keep what is used; limits that are gone are forgotten, new ones start full. */
function renewed(meters: readonly Meter[], limits: readonly ConfiguredLimit[]): readonly Meter[] {
  const learned = meters.filter(({ source }) => source === 'learned');
  const open = limits.filter((limit) => !learned.some((meter) => isSameWindow(meter, limit)));
  const isSame = (a: ConfiguredLimit, b: ConfiguredLimit) => a.dimension === b.dimension && a.windowMs === b.windowMs;
  const unique = open.filter((limit, i) => open.findIndex((other) => isSame(other, limit)) === i);
  const configured = unique.map((limit) => {
    const known = meters.find((meter) => meter.source === 'configured' && isSame(meter, limit));
    return known === undefined ? configuredMeter(limit) : { ...known, limit: limit.limit };
  });
  return [...learned, ...configured];
}

function isChanged(known: GroupState | undefined, group: GroupState): boolean {
  if (known !== undefined) return JSON.stringify(known) !== JSON.stringify(group);
  return Object.keys(group.meters).length > 0 || Object.keys(group.blocks).length > 0;
}
