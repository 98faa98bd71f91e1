import type { VerdictRow } from '../pool/upstream.ts';
import type { HeaderReader } from './header-reader.ts';
import { parseAnyReset, parseIdentifier, parseNumber } from './headers.ts';

/** A subscription is limited over these windows, whatever the model. */
const ACCOUNT_WINDOWS = [windowHeaders('-5h'), windowHeaders('-7d')];

/** These limit only some models. */
const MODEL_WINDOWS = [windowHeaders('-7d_oi')];

/** These sum all windows up. */
const OVERALL = windowHeaders('');

/** The headers of one window. */
interface WindowHeaders {
  readonly status: string;
  readonly utilization: string;
  readonly reset: string;
}

function windowHeaders(window: string): WindowHeaders {
  const name = `anthropic-ratelimit-unified${window}`;
  return { status: `${name}-status`, utilization: `${name}-utilization`, reset: `${name}-reset` };
}

/**
 * How a rejection of a subscription reads, from the widest on. A header about overage tells nothing while the status says that the
 * subscription itself has room; only where nothing else rejects, spent credits do.
 */
export const SUBSCRIPTION_VERDICTS: readonly VerdictRow[] = [
  { status: [429], match: /^anthropic-ratelimit-unified-(?:5h|7d)-status: rejected$/, verdict: 'rate_limited', scope: 'key' },
  { status: [429], match: /^anthropic-ratelimit-unified-7d_oi-status: rejected$/, verdict: 'rate_limited', scope: 'key_model' },
  {
    status: [429],
    match: /^anthropic-ratelimit-unified-status: allowed/,
    verdict: 'rate_limited',
    scope: 'limit_group',
    until: 'wait_in_body',
  },
  {
    status: [429],
    match: /^anthropic-ratelimit-unified-representative-claim: seven_day_(?:opus|sonnet|overage_included)$/,
    verdict: 'rate_limited',
    scope: 'key_model',
  },
  { status: [429], match: /^anthropic-ratelimit-unified-status: rejected$/, verdict: 'rate_limited', scope: 'key' },
  {
    status: [429],
    match: /^anthropic-ratelimit-unified-overage-disabled-reason: out_of_credits$/,
    verdict: 'billing',
    scope: 'limit_group',
  },
];

/** Milliseconds until every window that rejects has ended: the account's windows, or else those of the model; null: none rejects, or none says when it ends. */
export function subscriptionWait(reader: HeaderReader): number | null {
  const account = ACCOUNT_WINDOWS.map((headers) => readWindow(reader, headers)).filter(rejects);
  const model = MODEL_WINDOWS.map((headers) => readWindow(reader, headers)).filter(rejects);
  const overall = readWindow(reader, OVERALL);
  const binding = account.length > 0 ? account : model;
  const latest = Math.max(0, ...binding.map(({ resetInMs }) => resetInMs ?? 0));
  return latest || (binding.length > 0 || rejects(overall) ? overall.resetInMs : null);
}

interface Window {
  readonly status: string | null;
  /** The share that is used; above 1 where it was overdrawn. */
  readonly utilization: number | null;
  readonly resetInMs: number | null;
}

/** The status is trusted; the share counts only where there is none. */
function rejects({ status, utilization }: Window): boolean {
  return status === null ? utilization !== null && utilization >= 1 : status === 'rejected';
}

function readWindow(reader: HeaderReader, { status, utilization, reset }: WindowHeaders): Window {
  return {
    status: reader.read(status, parseIdentifier),
    utilization: reader.read(utilization, parseNumber),
    resetInMs: reader.read(reset, parseAnyReset),
  };
}
