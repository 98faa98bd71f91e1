import type { Spread } from '../statistics.ts';

/** How figures are written. */

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** Three digits that count. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 100) return whole(value);
  return value.toFixed(value >= 10 ? 1 : 2);
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** The median, and from where to where the rounds went. */
export function spread({ median, min, max }: Spread, write: (value: number) => string): string {
  return `${write(median)} (${write(min)}–${write(max)})`;
}
