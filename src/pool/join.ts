import { longer } from './block.ts';
import { recount } from './hold.ts';
import type { Block, Facts, GroupState, KeyConfig, KeyState, Lease, Meter } from './model.ts';
import { isSameWindow, retell, spend } from './observe.ts';
import type { Millis, ModelClass } from './upstream.ts';

/** A key with its limit group, and the leases under way: the one that is reported (null: it is over) and all others of the group. */
export interface Membership {
  readonly key: KeyState;
  readonly group: GroupState;
  readonly lease: Lease | null;
  readonly others: readonly Lease[];
}

/** A key that has moved to another limit group, with its leases. */
export interface Joined {
  readonly now: Membership;
  /** The group that it left; null: nothing is known of it. */
  readonly left: GroupState | null;
  /** The leases that moved with it, but for the one that is reported. */
  readonly moved: readonly Lease[];
}

/**
 * What becomes of a key whose response named an account: it draws on the allowance of that account, together with every other key of
 * it. null: nothing changes, because it is known already or the configuration says which group the key belongs to.
 */
export function joined(facts: Facts, config: KeyConfig, before: Membership, account: string | null): Joined | null {
  if (account === null || config.limitGroup !== null) return null;
  const { key, group, lease, others } = before;
  const id = `account:${account}`;
  if (key.group === id) return null;
  const isOfKey = ({ keyId }: Lease) => keyId === key.id;
  const move = (each: Lease): Lease => ({ ...each, group: id });
  const moved = others.filter(isOfKey).map(move);
  const all = [...facts.leasesOfGroup(id), ...moved];
  const now = { key: { ...key, account, group: id }, lease: lease && move(lease), others: all };
  const target = facts.group(id) ?? { id, version: 0, blocks: {}, meters: {} };
  // What another account said is nothing to this one; what was learnt before any was named is.
  const together = key.account === null ? mergedGroups(target, group, facts.now) : target;
  const left =
    facts.group(group.id) &&
    withHeld(
      facts,
      group,
      others.filter((each) => !isOfKey(each)),
    );
  return { now: { ...now, group: withHeld(facts, together, now.lease ? [...all, now.lease] : all) }, left: left ?? null, moved };
}

/** One limit group from two: of each limit what was observed later, of each block what lasts longer. It keeps the name of the first. */
export function mergedGroups(target: GroupState, own: GroupState, now: Millis): GroupState {
  const blocks: Record<ModelClass, Block> = { ...target.blocks };
  for (const [modelClass, block] of Object.entries(own.blocks)) blocks[modelClass] = longer(target.blocks[modelClass], block, now);
  const meters: Record<ModelClass, readonly Meter[]> = { ...target.meters };
  for (const [modelClass, ours] of Object.entries(own.meters)) meters[modelClass] = newest(target.meters[modelClass], ours);
  return { ...target, blocks, meters };
}

/** The group with the reservations of these leases, and no others, on its meters. */
export function withHeld(facts: Facts, group: GroupState, members: readonly Lease[]): GroupState {
  const { counting } = facts.pool.provider;
  const ofClass = (modelClass: ModelClass) => members.filter((lease) => lease.modelClass === modelClass);
  const held = Object.entries(group.meters).map(([modelClass, meters]) => [modelClass, recount(meters, ofClass(modelClass), counting)]);
  return { ...group, meters: Object.fromEntries(held) };
}

/** What was observed later is nearer the truth; usage and limits that only the other one knows of are kept. */
function newest(a: readonly Meter[] | undefined, b: readonly Meter[]): readonly Meter[] {
  if (a === undefined) return b;
  const observed = (meters: readonly Meter[]) => Math.max(-1, ...meters.map((meter) => meter.observedRequestTime ?? -1));
  const [ground, other] = observed(a) >= observed(b) ? [a, b] : [b, a];
  const both = ground.map((meter) => {
    const twin = other.find((each) => areTwins(each, meter));
    return twin === undefined ? meter : twin.spent.reduce(spend, (twin.told ?? []).reduce(retell, meter));
  });
  return [...both, ...other.filter((each) => !ground.some((meter) => areTwins(each, meter)))];
}

/** Whether two meters are about one limit; a configured one is about that of its window. */
function areTwins(a: Meter, b: Meter): boolean {
  if (a.source === 'learned' && b.source === 'learned') return a.dimension === b.dimension && a.namedWindowMs === b.namedWindowMs;
  return isSameWindow(a, b);
}
