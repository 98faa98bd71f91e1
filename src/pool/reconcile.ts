import type { Change, Facts, GroupState, KeyConfig, KeyState, Meter } from './model.ts';
import { configuredMeter } from './observe.ts';
import { freshKey } from './room.ts';

/**
 * Brings the records in line with a configuration that was just put in force. What was learnt about keys that stay is kept: a rotated
 * secret heals its key and belongs to nobody's account yet, a key may change its limit group, and configured limits are renewed.
 */
export function reconcile(facts: Facts): { change: Change; rotated: readonly string[] } {
  const keys = facts.pool.keys.map((config) => ({ config, known: facts.key(config.id) }));
  const changed = keys.map(({ config, known }) => (known === undefined ? freshKey(config) : reconciled(known, config)));
  const touched = changed.filter((key, i) => key !== keys[i]?.known);
  const rotated = keys
    .filter(({ config, known }) => known !== undefined && known.fingerprint !== config.fingerprint)
    .map(({ config }) => config.id);
  const groups = groupsOf(changed).flatMap((id) => {
    const group = facts.group(id);
    const limits = facts.pool.keys.filter((_, i) => changed[i]?.group === id).flatMap((config) => config.limits);
    return group === undefined ? [] : renewed(group, limits);
  });
  const leases = changed.flatMap((key) =>
    [...facts.leasesOfKey(key.id)].filter(({ group }) => group !== key.group).map((lease) => ({ ...lease, group: key.group })),
  );
  return { change: { pool: facts.pool.id, keys: touched, groups, leases }, rotated };
}

function reconciled(known: KeyState, config: KeyConfig): KeyState {
  const rotated = known.fingerprint !== config.fingerprint;
  const account = rotated ? null : known.account;
  const group = config.limitGroup ?? (account === null ? config.id : `account:${account}`);
  if (!rotated && group === known.group) return known;
  if (!rotated) return { ...known, group };
  const { fingerprint } = config;
  return {
    ...known,
    fingerprint,
    secretVersion: known.secretVersion + 1,
    account,
    group,
    block: null,
    modelBlocks: {},
    failures: 0,
    witnesses: [],
  };
}

function groupsOf(keys: readonly KeyState[]): readonly string[] {
  return [...new Set(keys.map(({ group }) => group))];
}

/** Configured meters take the new limits and keep what is used and held; limits that are gone are forgotten, new ones start full. */
function renewed(group: GroupState, limits: KeyConfig['limits']): GroupState[] {
  const meters = Object.fromEntries(Object.entries(group.meters).map(([modelClass, each]) => [modelClass, renewedMeters(each, limits)]));
  return JSON.stringify(meters) === JSON.stringify(group.meters) ? [] : [{ ...group, meters }];
}

function renewedMeters(meters: readonly Meter[], limits: KeyConfig['limits']): readonly Meter[] {
  const learned = meters.filter(({ source }) => source === 'learned');
  const isLearned = ({ dimension, windowMs }: { dimension: string; windowMs: number }) =>
    learned.some((meter) => meter.dimension === dimension && meter.windowMs > windowMs / 2 && meter.windowMs < windowMs * 2);
  const configured = limits
    .filter((limit) => !isLearned(limit))
    .map((limit) => {
      const known = meters.find(
        (meter) => meter.source === 'configured' && meter.dimension === limit.dimension && meter.windowMs === limit.windowMs,
      );
      return known === undefined ? configuredMeter(limit) : { ...known, limit: limit.limit };
    });
  const unique = configured.filter(
    (meter, i) => configured.findIndex((other) => other.dimension === meter.dimension && other.windowMs === meter.windowMs) === i,
  );
  return [...learned, ...unique];
}
