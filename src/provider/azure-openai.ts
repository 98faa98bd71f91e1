import type { ModelClassRule, Observation, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { ALL_AT_START, everyToken } from './counting.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import { parseMilliseconds, parseSeconds } from './headers.ts';
import { type RowTraits, xRatelimit } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

const MINUTE_MS = 60_000;

/** The reset is a bare number of seconds or of milliseconds; which one, only the rest of the headers tells. */
const BARE_RESET: RowTraits = { parseReset: parseMilliseconds, windowMs: MINUTE_MS, windowNamed: false, refill: 'continuous' };

const LIMITS: readonly LimitRow[] = [xRatelimit('requests', '-requests', BARE_RESET), xRatelimit('tokens', '-tokens', BARE_RESET)];

/** An older spelling, in seconds, on rejections only. */
const OLD_RESETS = ['x-rate-limit-reset-requests', 'x-rate-limit-reset-tokens'];

const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  const observations = LIMITS.flatMap((row) => {
    const period = reader.read(`x-ratelimit-renewalperiod-${row.dimension}`, parseSeconds);
    return reader.observe([row]).map((observation) => withUnit(observation, period));
  });
  const oldWait = Math.max(...OLD_RESETS.map((name) => reader.read(name, parseSeconds) ?? 0));
  return reader.finish(observations, null, oldWait);
};

/** A model is named by its deployment, and each deployment has its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

/** The resource is part of the address, so the caller knows it. */
const credential: Provider['credential'] = (secret) => ({ secret, headerName: 'api-key', headerValue: secret, headers: {}, baseUrl: '' });

/** The keys of one resource share its deployments. A day's wait told only in words is not believed: it is looked at again early. */
const verdicts: readonly VerdictRow[] = [
  {
    status: [403],
    match: /virtual network|firewall|private endpoint|public access|traffic is not from/i,
    verdict: 'environment',
    scope: 'request',
  },
  { status: [429], match: /high demand|temporarily unable/i, verdict: 'overloaded', scope: 'provider' },
  { status: [429], match: /retry after 86400 seconds/i, verdict: 'rate_limited', scope: 'limit_group' },
  GROUP_LIMITED,
];

const sources: readonly Source[] = [
  {
    fact: 'The base URL names the resource, https://RESOURCE.openai.azure.com or https://RESOURCE.services.ai.azure.com/openai/v1: it is left empty.',
    confidence: 'recorded',
    source: 'recorded responses',
  },
  {
    fact: 'A reset is milliseconds on one endpoint and whole seconds on another: the unit whose value is nearest to what the renewal period makes of the limit.',
    confidence: 'derived',
    source: 'recorded responses of two endpoints',
  },
  { fact: '-1 means unknown.', confidence: 'recorded', source: 'openai-dotnet issue 838' },
  { fact: 'retry-after: 1 comes with retry-after-ms: 0; the larger counts.', confidence: 'recorded', source: 'a recorded 429' },
  {
    fact: 'x-rate-limit-reset-tokens, misspelt, on a 429 without retry-after is the wait in seconds.',
    confidence: 'reported',
    source: 'openai-python issue 937',
  },
  {
    fact: 'Limits belong to the deployment; the keys of a resource share it.',
    confidence: 'documented',
    source: 'learn.microsoft.com, quota',
  },
  { fact: 'max_tokens counts, and so do failed requests.', confidence: 'documented', source: 'learn.microsoft.com, quota' },
  { fact: 'The words for a blocked network.', confidence: 'assumed', source: 'from memory' },
];

export const provider: Provider = {
  name: 'azure_openai',
  limits: LIMITS,
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting: ALL_AT_START,
  counted: everyToken,
  failedTokensCount: true,
  sources,
};

/**
 * The observation over the renewal period, its reset in the unit that fits: what is missing comes back in
 * window × missing / limit, and the nearer by its ratio counts. Nothing missing or unknown: no unit can be told, so no reset.
 */
function withUnit(observation: Observation, periodMs: number | null): Observation {
  const windowMs = periodMs || MINUTE_MS;
  const { limit, remaining, resetInMs } = observation;
  const missing = limit === null || remaining === null ? 0 : limit - remaining;
  const expected = missing <= 0 ? 0 : (windowMs * missing) / limit!;
  const units = [resetInMs ?? 0, (resetInMs ?? 0) * 1000].filter((ms) => ms > 0 && ms <= windowMs);
  const [nearest] = units.toSorted((a, b) => distance(a, expected) - distance(b, expected));
  return { ...observation, windowMs, windowNamed: Boolean(periodMs), resetInMs: expected > 0 ? (nearest ?? null) : null };
}

function distance(ms: number, expected: number): number {
  return Math.abs(Math.log(ms / expected));
}
