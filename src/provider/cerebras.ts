import type { Dimension, Millis, ModelClassRule, Observation, Provider, Source, VerdictRow } from '../pool/upstream.ts';
import { bearer } from './bearer.ts';
import { ALL_AT_START, everyToken } from './counting.ts';
import { HeaderReader, type LimitRow } from './header-reader.ts';
import { parseSeconds } from './headers.ts';
import { xRatelimit } from './limit-rows.ts';
import { GROUP_LIMITED } from './verdict-rows.ts';

const UNITS: readonly Dimension[] = ['requests', 'tokens'];

const WINDOWS: readonly (readonly [name: string, windowMs: number])[] = [
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
];

const LIMITS: readonly LimitRow[] = UNITS.flatMap((unit) =>
  WINDOWS.map(([name, windowMs]) =>
    xRatelimit(unit, `-${unit}-${name}`, { parseReset: parseSeconds, windowMs, windowNamed: true, refill: 'fixed' }),
  ),
);

const readHeaders: Provider['readHeaders'] = (headers, responseTime) => {
  const reader = new HeaderReader(headers, responseTime);
  return reader.finish(
    reader.observe(LIMITS).map((each) => aligned(each, reader.clock)),
    null,
  );
};

/** Each model has its own allowance. */
const modelClasses: readonly ModelClassRule[] = [];

const credential: Provider['credential'] = (secret) => bearer(secret, 'https://api.cerebras.ai/v1');

/** Limits are the organization's. */
const verdicts: readonly VerdictRow[] = [GROUP_LIMITED];

const sources: readonly Source[] = [
  {
    fact: 'Requests of a day and tokens of a minute on every response, resets in seconds.',
    confidence: 'reported',
    source: 'restatements of the documentation; several parsers',
  },
  { fact: 'The other windows.', confidence: 'reported', source: 'several parsers' },
  { fact: 'Windows start with the minute, hour and day of UTC.', confidence: 'derived', source: 'one fixture' },
  { fact: "Limits are the organization's, for each model.", confidence: 'documented', source: 'inference-docs.cerebras.ai, rate limits' },
  {
    fact: 'Input and max_completion_tokens are held from the start.',
    confidence: 'documented',
    source: 'inference-docs.cerebras.ai, rate limits',
  },
  { fact: 'What a 429 carries.', confidence: 'assumed', source: 'none was found' },
];

export const provider: Provider = {
  name: 'cerebras',
  limits: LIMITS,
  readHeaders,
  modelClasses,
  credential,
  verdicts,
  counting: ALL_AT_START,
  counted: everyToken,
  failedTokensCount: false,
  sources,
};

/** Windows start with the minute, hour and day of UTC, so where no reset is told, it is known all the same. */
function aligned(observation: Observation, clock: Millis): Observation {
  const { resetInMs, windowMs } = observation;
  return resetInMs !== null || windowMs === null ? observation : { ...observation, resetInMs: windowMs - (clock % windowMs) };
}
