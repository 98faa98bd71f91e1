import type { Dimension, Provider } from '../pool/upstream.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';

/** What rows of one family have in common. */
export type RowTraits = Pick<LimitRow, 'windowMs' | 'windowNamed' | 'refill' | 'parseReset'>;

/** The row of `x-ratelimit-limit…`, `-remaining…` and, where it is told, `-reset…`; the suffix starts with its dash or is empty. */
export function xRatelimit(dimension: Dimension, suffix: string, traits: RowTraits): LimitRow {
  return {
    dimension,
    limit: `x-ratelimit-limit${suffix}`,
    remaining: `x-ratelimit-remaining${suffix}`,
    reset: traits.parseReset === null ? null : `x-ratelimit-reset${suffix}`,
    ...traits,
  };
}

/** A reader of these rows and of the wait that the response asks for, for a provider that names no account. */
export function readsRows(rows: readonly LimitRow[]): Provider['readHeaders'] {
  return (headers, responseTime) => {
    const reader = new HeaderReader(headers, responseTime);
    return reader.finish(reader.observe(rows), null);
  };
}
