import { type Bucket, levelAt, take, waitFor } from './bucket.ts';

/** What an organization may use in a minute. */
export interface Limits {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What an organization has left. */
export interface Allowance {
  readonly requests: Bucket;
  readonly input: Bucket;
  readonly output: Bucket;
}

export type Admission =
  | { readonly admitted: true; readonly allowance: Allowance }
  | { readonly admitted: false; readonly retryAfterMs: number; readonly limited: keyof Allowance };

const MINUTE_MS = 60_000;
/** Providers tell tokens to the nearest thousand. */
const ROUNDING = 1_000;

/** The allowance of an organization whose buckets are filled to a share from 0 to 1. */
export function openAllowance(limits: Limits, fill: number, now: number): Allowance {
  const bucket = (limit: number): Bucket => ({ limit, windowMs: MINUTE_MS, level: limit * fill, at: now });
  return { requests: bucket(limits.requests), input: bucket(limits.inputTokens), output: bucket(limits.outputTokens) };
}

/** Lets a request in, which takes one request and its input at once and needs some output to be left; else says when to come back. */
export function admit(allowance: Allowance, inputTokens: number, now: number): Admission {
  const waits = {
    requests: waitFor(allowance.requests, 1, now),
    input: waitFor(allowance.input, inputTokens, now),
    output: waitFor(allowance.output, 1, now),
  };
  const limited = (['requests', 'input', 'output'] as const).reduce((worst, name) => (waits[name] > waits[worst] ? name : worst));
  if (waits[limited] > 0) return { admitted: false, retryAfterMs: waits[limited], limited };
  const { requests, input } = allowance;
  return { admitted: true, allowance: { ...allowance, requests: take(requests, 1, now), input: take(input, inputTokens, now) } };
}

/** The allowance after output was written. */
export function writeOutput(allowance: Allowance, outputTokens: number, now: number): Allowance {
  return { ...allowance, output: take(allowance.output, outputTokens, now) };
}

/** The rate-limit headers of a response to a request that started at `start`; a full bucket resets then, in the past. */
export function rateLimitHeaders({ requests, input, output }: Allowance, start: number, now: number): Readonly<Record<string, string>> {
  const inputReset = resetTime(input, start, now);
  const outputReset = resetTime(output, start, now);
  return {
    ...limitHeaders('requests', requests.limit, Math.floor(levelAt(requests, now)), resetTime(requests, start, now)),
    ...limitHeaders('input-tokens', input.limit, rounded(levelAt(input, now)), inputReset),
    ...limitHeaders('output-tokens', output.limit, rounded(levelAt(output, now)), outputReset),
    ...limitHeaders(
      'tokens',
      input.limit + output.limit,
      rounded(levelAt(input, now)) + rounded(levelAt(output, now)),
      Math.min(inputReset, outputReset),
    ),
  };
}

function limitHeaders(name: string, limit: number, remaining: number, reset: number): Readonly<Record<string, string>> {
  const prefix = `anthropic-ratelimit-${name}`;
  return {
    [`${prefix}-limit`]: String(limit),
    [`${prefix}-remaining`]: String(Math.max(0, remaining)),
    [`${prefix}-reset`]: new Date(reset).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

function resetTime(bucket: Bucket, start: number, now: number): number {
  const wait = waitFor(bucket, bucket.limit, now);
  return wait === 0 ? start : Math.ceil((now + wait) / 1_000) * 1_000;
}

const rounded = (tokens: number) => Math.round(Math.max(0, tokens) / ROUNDING) * ROUNDING;
