const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
const UNITS = Object.keys(UNITS_MS);

/** For editors: numbers with units and nothing else. */
export const DURATION_PATTERN = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$';

const PART = /(\d{1,12})(?:\.(\d{1,3}))?(ms|s|m|h|d)/y;
const EXPECTED = 'expected a duration such as 60s, 1h30m, 250ms or 1.5s';

export type ParsedDuration = { readonly ok: true; readonly ms: number } | { readonly ok: false; readonly problem: string };

/**
 * Milliseconds of a text such as `1h30m`: units d, h, m, s, ms from the largest down, each once, at most three decimals.
 * Without a unit, or finer than a millisecond: a problem that says what was expected.
 */
export function parseDuration(text: string): ParsedDuration {
  if (/^[\d.]+$/.test(text)) return { ok: false, problem: `a number alone has no unit: ${EXPECTED}` };
  const parts = partsOf(text);
  if (!parts) return { ok: false, problem: EXPECTED };
  if (!descending(parts)) return { ok: false, problem: 'expected units from the largest to the smallest, each once, as in 1h30m' };
  const ms = parts.reduce((sum, part) => sum + part.ms, 0);
  if (!Number.isSafeInteger(ms)) return { ok: false, problem: 'expected whole milliseconds' };
  return { ok: true, ms };
}

interface Part {
  readonly unit: string;
  readonly ms: number;
}

function partsOf(text: string): Part[] | null {
  const parts: Part[] = [];
  for (let end = 0; end < text.length; end = PART.lastIndex) {
    PART.lastIndex = end;
    const match = PART.exec(text);
    if (!match) return null;
    const [, whole, decimals = '', unit] = match as unknown as [string, string, string | undefined, keyof typeof UNITS_MS];
    // Divided last, so that 1.005s is exactly 1005 ms.
    parts.push({ unit, ms: (Number(whole + decimals) * UNITS_MS[unit]) / 10 ** decimals.length });
  }
  return parts.length > 0 ? parts : null;
}

function descending(parts: readonly Part[]): boolean {
  return parts.every((part, place) => place === 0 || UNITS.indexOf(parts[place - 1]!.unit) < UNITS.indexOf(part.unit));
}
