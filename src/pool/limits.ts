import type { ConfiguredLimit, KeyConfig } from './model.ts';

/**
 * The same keys, each with the limits of its whole limit group: they are one allowance, whichever key states it. Where two keys
 * state it differently the smaller number counts.
 */
export function withGroupLimits(keys: readonly KeyConfig[]): readonly KeyConfig[] {
  return keys.map((key) => {
    if (key.limitGroup === null) return key;
    const others = keys.filter(({ limitGroup }) => limitGroup === key.limitGroup).flatMap(({ limits }) => limits);
    return { ...key, limits: smallest(others) };
  });
}

function smallest(limits: readonly ConfiguredLimit[]): readonly ConfiguredLimit[] {
  const found = new Map<string, ConfiguredLimit>();
  for (const limit of limits) {
    const name = `${limit.dimension} ${limit.windowMs}`;
    const known = found.get(name);
    if (known === undefined || limit.limit < known.limit) found.set(name, limit);
  }
  return [...found.values()];
}
