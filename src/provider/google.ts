import type { BodyReading, Dimension, Millis, ModelClassRule, Observation, VerdictRow } from '../pool/upstream.ts';
import { listOf, parseJson, textOf, valueAt } from './body-reading.ts';
import { parseNumber, parseSeconds } from './headers.ts';
import { nextPacificMidnight } from './pacific.ts';

const VIOLATIONS_MAX = 16;
const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const RETRY_DELAY = /"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d{1,9})?)s"/;
const PER_DAY = /"quotaId"\s*:\s*"[^"]{0,200}PerDay|"quota_exceeded"/;

const DIMENSION_OF_QUOTA: readonly (readonly [RegExp, Dimension])[] = [
  [/InputToken/, 'input_tokens'],
  [/OutputToken/, 'output_tokens'],
  [/Token/, 'tokens'],
  [/Request/, 'requests'],
];

/** Versions with a number at the end and previews with a date share the allowance of the model that they are versions of. */
export const GEMINI_MODELS: readonly ModelClassRule[] = [
  ...['gemini-3-pro', 'gemini-3-flash', 'gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-2.5-flash-lite'].map(versions),
  ...['gemini-2.0-flash', 'gemini-2.0-flash-lite'].map(versions),
];

/** Refusals that no wait ends. A limit of 0 means that the project has no quota for the model. */
export const GOOGLE_REFUSALS: readonly VerdictRow[] = [
  { status: [429], match: /prepayment credits/i, verdict: 'billing', scope: 'limit_group' },
  { status: [429], match: /\blimit: 0(?![\d.])|"quotaValue"\s*:\s*"0"/, verdict: 'forbidden', scope: 'key_model' },
];

/**
 * The delay of RetryInfo, which is cut to whole seconds, so a second is added; and each quota that was exceeded. A daily quota comes
 * back at midnight Pacific time, whatever a delay of seconds says; a delay of hours is believed.
 */
export function readGoogleBody(body: string, clock: Millis): BodyReading {
  const delay = parseSeconds(RETRY_DELAY.exec(body)?.[1] ?? '', clock);
  const retryMs = 'value' in delay && delay.value !== null ? delay.value + SECOND_MS : null;
  const dayMs = retryMs !== null && retryMs >= HOUR_MS ? retryMs : nextPacificMidnight(clock) - clock;
  const observations = violationsIn(body).flatMap((violation) => observed(violation, retryMs, dayMs));
  return { observations, waitMs: PER_DAY.test(body) ? dayMs : retryMs };
}

function violationsIn(body: string): readonly unknown[] {
  const parsed = parseJson(body);
  const answer = Array.isArray(parsed) ? parsed[0] : parsed;
  return listOf(valueAt(answer, 'error', 'details'))
    .flatMap((detail) => listOf(valueAt(detail, 'violations')))
    .slice(0, VIOLATIONS_MAX);
}

/** Nothing where the quota's name tells no window or nothing that is limited here, and where the model has no quota at all. */
function observed(violation: unknown, retryMs: number | null, dayMs: number): Observation[] {
  const quota = textOf(valueAt(violation, 'quotaId')) ?? '';
  const dimension = DIMENSION_OF_QUOTA.find(([name]) => name.test(quota))?.[1];
  const limit = parseNumber(textOf(valueAt(violation, 'quotaValue')) ?? '', 0);
  const windowMs = quota.includes('PerDay') ? DAY_MS : quota.includes('PerMinute') ? MINUTE_MS : null;
  if (dimension === undefined || windowMs === null || !('value' in limit) || !limit.value) return [];
  const resetInMs = windowMs === DAY_MS ? dayMs : retryMs;
  return [{ dimension, limit: limit.value, remaining: 0, resetInMs, windowMs, windowNamed: true, refill: 'fixed' }];
}

function versions(id: string): ModelClassRule {
  return { id, models: [id, `models/${id}`, `${id}-0*`, `models/${id}-0*`, `${id}-preview-*`, `models/${id}-preview-*`] };
}
