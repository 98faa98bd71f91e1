import type { GroupState, Meter } from '../pool/model.ts';
import { type MeterRow, meterOf, rowOf } from './meter-row.ts';

/** A limit group as stores keep it. In a database of an earlier keylease the meters are there by name. */
export interface GroupRow extends Omit<GroupState, 'meters'> {
  readonly meters: Readonly<Record<string, readonly (MeterRow | Meter)[]>>;
}

export function groupRowOf(group: GroupState): GroupRow {
  const meters = Object.entries(group.meters).map(([modelClass, each]) => [modelClass, each.map(rowOf)]);
  return { ...group, meters: Object.fromEntries(meters) };
}

export function groupOf(row: GroupRow): GroupState {
  const meters = Object.entries(row.meters).map(([modelClass, each]) => [
    modelClass,
    each.map((one) => (isNamed(one) ? one : meterOf(one))),
  ]);
  return { ...row, meters: Object.fromEntries(meters) };
}

function isNamed(meter: MeterRow | Meter): meter is Meter {
  return !Array.isArray(meter);
}
