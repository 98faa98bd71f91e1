import type { Headers, Judgement, Millis, Provider, VerdictRow } from '../pool/upstream.ts';
import { type Answer, boundedBody } from './answer.ts';
import { waitInBody, waitUntilDateInBody } from './body-wait.ts';
import { nextMonth } from './dates.ts';
import { providerClock } from './headers.ts';

/** What a status means where the provider's own table says nothing. */
export const DEFAULT_VERDICTS: readonly VerdictRow[] = [
  { status: [400, 404, 405, 413, 415, 422], verdict: 'client_error', scope: 'request' },
  { status: [401], verdict: 'invalid_credential', scope: 'key' },
  { status: [402], verdict: 'billing', scope: 'limit_group' },
  { status: [403], verdict: 'forbidden', scope: 'key_model' },
  { status: [408, 500, 502, 504], verdict: 'server_error', scope: 'request' },
  { status: [429], verdict: 'rate_limited', scope: 'key', until: 'wait_in_body' },
  { status: [503, 529], verdict: 'overloaded', scope: 'provider' },
];

const WAIT_OF: Readonly<Record<NonNullable<VerdictRow['until']>, (body: string, clock: Millis, provider: Provider) => number | null>> = {
  date_in_body: waitUntilDateInBody,
  month_end: (_body, clock) => nextMonth(clock) - clock,
  wait_in_body: (body, clock, provider) => provider.readBody?.(body, clock).waitMs ?? waitInBody(body, clock),
};

/** What the answer means and for what. A 2xx never asks to wait: some providers send `retry-after` with every success. */
export function judge(provider: Provider, answer: Answer): Judgement {
  const { status, headers, responseTime, retryAfterMs } = answer;
  if (status === 0) return { verdict: 'no_response', scope: 'request', waitMs: null };
  if (status >= 200 && status < 300) return { verdict: 'ok', scope: 'request', waitMs: null };
  const body = boundedBody(answer.body);
  const { verdict, scope, until, waitMs = null } = rowFor(provider.verdicts, status, body, headers);
  const told = retryAfterMs ?? (until ? WAIT_OF[until](body, providerClock(headers, responseTime), provider) : null);
  return { verdict, scope, waitMs: told ?? waitMs };
}

function rowFor(verdicts: readonly VerdictRow[], status: number, body: string, headers: Headers): VerdictRow {
  const evidence = [body, ...Array.from(headers, ([name, value]) => `${name}: ${value}`)];
  const applies = (row: VerdictRow) => row.status.includes(status) && (!row.match || evidence.some((text) => row.match!.test(text)));
  return verdicts.find(applies) ?? DEFAULT_VERDICTS.find(applies) ?? restOf(status);
}

/** 5xx is the provider's fault; every other status that no row knows is the request's. */
function restOf(status: number): VerdictRow {
  return { status: [status], verdict: status >= 500 ? 'server_error' : 'client_error', scope: 'request' };
}
