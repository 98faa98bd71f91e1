import { recount } from './hold.ts';
import type { Facts, GroupState, KeyConfig, KeyState, Lease, Meter } from './model.ts';
import { spend } from './observe.ts';
import type { ModelClass } from './upstream.ts';

/** A key that has moved to another limit group, with its leases. */
export interface Joined {
  readonly key: KeyState;
  readonly group: GroupState;
  /** The group that it left. */
  readonly left: GroupState;
  /** Every lease under way on it. */
  readonly moved: readonly Lease[];
}

/**
 * What becomes of a key whose response named an account: it draws on the allowance of that account, together with every other key of
 * it. null: nothing changes, because it is known already or the configuration says which group the key belongs to.
 */
export function joined(
  facts: Facts,
  config: KeyConfig,
  draft: { readonly key: KeyState; readonly group: GroupState; readonly lease: Lease | null },
  ended: string,
  account: string | null,
): Joined | null {
  if (account === null || config.limitGroup !== null) return null;
  const groupId = `account:${account}`;
  if (draft.key.group === groupId) return null;
  const others = [...facts.leasesOfKey(config.id)].filter(({ id }) => id !== ended && id !== draft.lease?.id);
  const moved = [...others, ...(draft.lease === null ? [] : [draft.lease])].map((lease) => ({ ...lease, group: groupId }));
  const movedIds = new Set(moved.map(({ id }) => id));
  const staying = [...facts.leasesOfGroup(draft.group.id)].filter(({ id }) => id !== ended && !movedIds.has(id));
  const target = facts.group(groupId) ?? { ...draft.group, id: groupId, version: 0 };
  return {
    key: { ...draft.key, account, group: groupId },
    group: merged(facts, target, draft.group, [...facts.leasesOfGroup(groupId), ...moved]),
    left: { ...draft.group, meters: recounted(facts, draft.group.meters, staying) },
    moved,
  };
}

function merged(facts: Facts, target: GroupState, own: GroupState, members: readonly Lease[]): GroupState {
  const meters: Record<ModelClass, readonly Meter[]> = { ...target.meters };
  for (const [modelClass, ours] of Object.entries(own.meters)) meters[modelClass] = newest(target.meters[modelClass], ours);
  return { ...target, blocks: { ...own.blocks, ...target.blocks }, meters: recounted(facts, meters, members) };
}

function recounted(facts: Facts, meters: GroupState['meters'], members: readonly Lease[]): GroupState['meters'] {
  const ofClass = (modelClass: ModelClass) => members.filter((lease) => lease.modelClass === modelClass);
  const { counting } = facts.pool.provider;
  return Object.fromEntries(Object.entries(meters).map(([modelClass, each]) => [modelClass, recount(each, ofClass(modelClass), counting)]));
}

/** What was observed later is nearer the truth; usage that only the other one knows of is counted on top. */
function newest(a: readonly Meter[] | undefined, b: readonly Meter[]): readonly Meter[] {
  if (a === undefined) return b;
  const observed = (meters: readonly Meter[]) => Math.max(-1, ...meters.map((meter) => meter.observedRequestTime ?? -1));
  const [ground, other] = observed(a) >= observed(b) ? [a, b] : [b, a];
  return ground.map((meter) => {
    const twin = other.find((each) => each.dimension === meter.dimension && each.namedWindowMs === meter.namedWindowMs);
    return (twin?.spent ?? []).reduce(spend, meter);
  });
}
