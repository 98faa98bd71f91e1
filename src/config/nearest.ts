import { looksLikeName } from './mistake.ts';

/** The message about an unknown key of a mapping: the nearest known key, or else all of them. */
export function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return `unknown key${quoted(key)}: ${near ? `did you mean '${near}'?` : `known are ${known.join(', ')}`}`;
}

/** The message about a name that must be one of the known ones: all of them, and the nearest. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return `unknown ${what}${quoted(name)}: ${near ? `did you mean '${near}'? ` : ''}known are ${known.join(', ')}`;
}

function quoted(name: string): string {
  return looksLikeName(name) ? ` '${name}'` : '';
}

/** The known name that the fewest typing slips lead to, if at most one letter in three is a slip; case and hyphens do not count. */
export function nearest(name: string, known: readonly string[]): string | null {
  const letters = plain(name.slice(0, 64));
  let best: string | null = null;
  let bestSlips = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const target = plain(candidate);
    const count = slips(letters, target);
    if (count * 3 <= Math.max(letters.length, target.length) && count < bestSlips) {
      best = candidate;
      bestSlips = count;
    }
  }
  return best;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
}

/** How many letters were added, left out, mistaken, or swapped with their neighbour. */
function slips(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const mistaken = rows[i - 1]![j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? rows[i - 2]![j - 2]! + 1 : mistaken;
      row.push(Math.min(mistaken, swapped, rows[i - 1]![j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[from.length]![to.length]!;
}
