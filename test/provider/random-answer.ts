import type { Answer } from '../../src/provider/answer.ts';
import { providerByName, providerNames } from '../../src/provider/index.ts';

/** An answer made of what this provider and others write, what they might write by mistake, and noise; the same one for the same source of chance. */
export function randomAnswer(name: string, random: () => number): Omit<Answer, 'retryAfterMs'> {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const digits = () => String(Math.floor(random() * 10 ** Math.floor(random() * 17)));
  const noise = () => String.fromCharCode(...Array.from({ length: Math.floor(random() * 12) }, () => Math.floor(random() * 65_536)));
  const value = () => {
    const kinds = [
      digits,
      noise,
      () => pick(VALUES),
      () => `${digits()}.${digits()}`,
      () => `${digits()}${pick(UNITS)}`,
      () => pick(DATES),
    ];
    return pick(kinds)();
  };
  const own = providerByName(name)!
    .limits!.filter(() => random() < 0.3)
    .flatMap((row) => [row.limit, row.remaining, row.reset ?? 'x-none']);
  const others = Array.from({ length: Math.floor(random() * 8) }, () => pick(NAMES));
  const headers = new Map([...own, ...others].map((header) => [header, value()]));
  const parts = Array.from({ length: Math.floor(random() * 6) }, () => pick([() => pick(PHRASES), () => pick(PHRASES), value, noise])());
  const body = random() < 0.5 ? parts.join('') : json(random, parts, value);
  return { status: pick(STATUSES), headers, body, responseTime: Math.floor(random() * 4_102_444_800_000) };
}

/** A source of chance that tells the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const STATUSES = [0, 200, 204, 302, 400, 401, 402, 403, 404, 408, 412, 413, 424, 429, 429, 429, 498, 499, 500, 502, 503, 529, 599, -1, 1e9];

const NAMES = [
  ...new Set(
    providerNames.flatMap((name) => providerByName(name)!.limits!.flatMap((row) => [row.limit, row.remaining, row.reset ?? 'x-none'])),
  ),
  ...['retry-after', 'retry-after-ms', 'x-ms-retry-after-ms', 'date', 'anthropic-organization-id', 'openai-organization', 'openai-project'],
  ...['', '-5h', '-7d', '-7d_oi'].flatMap((name) =>
    ['status', 'utilization', 'reset'].map((part) => `anthropic-ratelimit-unified${name}-${part}`),
  ),
  ...['x-ratelimit-renewalperiod-requests', 'x-ratelimit-renewalperiod-tokens', 'x-rate-limit-reset-tokens', 'x-ratelimit-over-limit'],
  ...['ratelimit', 'ratelimit-policy', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'x-amzn-errortype'],
];

const UNITS = ['h', 'm', 's', 'ms', 'us', 'm0s', 'h1m', 'd'];
const DATES = ['Tue, 24 Nov 2026 12:00:00 GMT', '2026-11-24T12:00:00Z', '9999-12-31T23:59:59Z', '2026-13-45', 'Sun Nov  6 08:49:37 1994'];
const VALUES = [
  ...['-1', '0', '1', 'NaN', 'Infinity', '1e309', '', 'rejected', 'allowed', 'yes', 'default;r=5;t=3', '"a";q=10;w=60', '100, 100;w=0'],
  ...['9'.repeat(300), '__proto__', 'UnrecognizedClientException:x', 'PerDay', '0s', '1785634800', '1785634800000'],
];
const PHRASES = [
  ...['try again in ', 'retry after ', ' seconds', 'regain access on ', ' at 99:99', '1h2m', 'limit: 0', '"quotaId":"PerDay"', 'PerMinute'],
  ...['enforced_spend_limit_reached', 'reached your specified usage limits', '"retryDelay":"48s"', '"retryDelay": "', 'quota_exceeded'],
  ...[
    'free-models-per-day',
    'openrouter_key_limit',
    'FAILED_PRECONDITION',
    'unsupported_country',
    'calls / month',
    'Requests to this API ',
    ' are blocked',
    'request too large',
    '[[[{"error":',
  ],
];

function json(random: () => number, parts: readonly string[], value: () => string): string {
  const metadata = { headers: { 'X-RateLimit-Reset': value(), 'X-RateLimit-Remaining': value() }, limit_reset: value() };
  const violations = [{ quotaId: `Requests${parts[0] ?? ''}PerDay`, quotaValue: value() }, value()];
  const error = { message: parts.join(' '), details: [{ violations, retryDelay: value() }, null], metadata };
  const text = JSON.stringify(random() < 0.2 ? [{ error }] : { error });
  return random() < 0.2 ? text.slice(0, Math.floor(random() * text.length)) : text;
}
