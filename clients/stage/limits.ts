import { type Admission, type Allowance, admit, openAllowance, rateLimitHeaders, writeOutput } from '../../src/cli/demo/allowance.ts';
import { levelAt, waitFor } from '../../src/cli/demo/bucket.ts';

/** What every organization may use in a minute. */
export interface StageLimits {
  readonly requests: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** What a provider with true token buckets says to one request. */
export interface Ruling {
  readonly admission: Admission;
  headers(): Readonly<Record<string, string>>;
  /** The answer was written. */
  wrote(outputTokens: number): void;
}

/** True token buckets, one set a key; OpenAI's requests draw what they may use from the bucket of input at their start. */
export function openLimits(limits: StageLimits) {
  const written = { requests: limits.requests, inputTokens: limits.input_tokens, outputTokens: limits.output_tokens };
  const allowances = new Map<string, Allowance>();
  return (key: string, isOpenAi: boolean, inputTokens: number, maxTokens: number): Ruling => {
    const start = Date.now();
    const allowance = allowances.get(key) ?? openAllowance(written, 1, start);
    const admission = admit(allowance, isOpenAi ? inputTokens + maxTokens : inputTokens, start);
    allowances.set(key, admission.admitted ? admission.allowance : allowance);
    const now = () => allowances.get(key)!;
    return {
      admission,
      headers: () =>
        isOpenAi
          ? openAiHeaders(now(), Date.now())
          : { 'anthropic-organization-id': `org-of-${key}`, ...rateLimitHeaders(now(), start, Date.now()) },
      wrote: (outputTokens) => void (isOpenAi || allowances.set(key, writeOutput(now(), outputTokens, Date.now()))),
    };
  };
}

function openAiHeaders({ requests, input }: Allowance, now: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [['requests', requests] as const, ['tokens', input] as const].flatMap(([name, bucket]) => [
      [`x-ratelimit-limit-${name}`, String(bucket.limit)],
      [`x-ratelimit-remaining-${name}`, String(Math.max(0, Math.floor(levelAt(bucket, now))))],
      [`x-ratelimit-reset-${name}`, `${Math.ceil(waitFor(bucket, bucket.limit, now))}ms`],
    ]),
  );
}
