import type { FieldViolation } from './problem.ts';

const SIZE_DEFAULT = 100;
const SIZE_MAX = 1_000;

/** Which part of a list is asked for, as in AIP-158. */
export interface PageRequest {
  /** 0: 100. Above 1000: 1000. */
  readonly size: number;
  /** Of the page before; empty: the first page. */
  readonly token: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Empty: this is the last page. */
  readonly nextToken: string;
}

/**
 * One page of a list in the order of `positionOf`, which grows along the list and names a place that stays where it is when items
 * come and go. A token that was not made here is a violation.
 */
export function pageOf<T>(items: readonly T[], { size, token }: PageRequest, positionOf: (item: T) => string): Page<T> | FieldViolation {
  if (size < 0) return { field: 'page_size', description: 'must not be negative' };
  const after = token === '' ? undefined : Buffer.from(token, 'base64url').toString();
  if (after !== undefined && (Buffer.from(after).toString('base64url') !== token || !after.startsWith('after:'))) {
    return { field: 'page_token', description: 'is not a next_page_token of an earlier answer' };
  }
  const rest = after === undefined ? items : items.filter((item) => positionOf(item) > after.slice('after:'.length));
  const page = rest.slice(0, Math.min(size === 0 ? SIZE_DEFAULT : size, SIZE_MAX));
  const last = page.at(-1);
  const more = last !== undefined && page.length < rest.length;
  return { items: page, nextToken: more ? Buffer.from(`after:${positionOf(last)}`).toString('base64url') : '' };
}

/** A number as text that sorts as the number does. */
export function sortable(number: number): string {
  return String(number).padStart(16, '0');
}
