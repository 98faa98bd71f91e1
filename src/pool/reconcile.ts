import type { Change, Facts, KeyConfig, KeyState } from './model.ts';
import { type KeyChange, regrouped } from './regroup.ts';
import { freshKey } from './room.ts';

/**
 * Brings the records in line with a configuration that was just put in force. What was learnt about keys that stay is kept: a rotated
 * secret heals its key and belongs to nobody's account yet, a key may change its limit group, and configured limits are renewed.
 */
export function reconcile(facts: Facts): { change: Change; rotated: readonly string[] } {
  const keys = facts.pool.keys.map((config): KeyChange => {
    const before = facts.key(config.id);
    return { config, before, now: before === undefined ? freshKey(config) : reconciled(before, config) };
  });
  const moved = keys.flatMap(({ now }) =>
    [...facts.leasesOfKey(now.id)].filter(({ group }) => group !== now.group).map((lease) => ({ ...lease, group: now.group })),
  );
  const touched = keys.filter(({ before, now }) => now !== before).map(({ now }) => now);
  const rotated = keys.filter(({ before, config }) => before && before.fingerprint !== config.fingerprint).map(({ config }) => config.id);
  return { change: { pool: facts.pool.id, keys: touched, groups: regrouped(facts, keys, moved), leases: moved }, rotated };
}

function reconciled(known: KeyState, config: KeyConfig): KeyState {
  const { fingerprint } = config;
  const rotated = known.fingerprint !== fingerprint;
  const account = rotated ? null : known.account;
  const group = config.limitGroup ?? (account === null ? config.id : `account:${account}`);
  if (!rotated) return group === known.group ? known : { ...known, group };
  const { secretVersion } = known;
  const well = { block: null, modelBlocks: {}, concurrency: {}, failures: 0, witnesses: [] };
  return { ...known, ...well, fingerprint, secretVersion: secretVersion + 1, account, group };
}
