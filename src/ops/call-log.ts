import { hash } from 'node:crypto';
import type { Logger } from 'pino';
import type { CallObserver, FinishedCall } from '../service/finished-call.ts';
import { traceIdOf } from './telemetry/traceparent.ts';

/** Lines about calls that failed, in one second: a pool without room refuses as many calls as are sent. */
const FAILED_LINES_MAX = 20;

const SECOND_MS = 1_000;

/** Writes one line for each call, or for each that failed. Nothing in it is secret: of a lease, which is a bearer token, there is a hash. */
export function callLog(log: Logger, which: 'failed' | 'all', now: () => number = () => performance.now()): CallObserver {
  if (which === 'all') return (call) => log.info(lineOf(call), 'call');
  let [second, lines, leftOut] = [Number.NEGATIVE_INFINITY, 0, 0];
  return (call) => {
    if (call.code === 0) return;
    if (now() - second >= SECOND_MS) [second, lines] = [now(), 0];
    lines += 1;
    if (lines > FAILED_LINES_MAX) {
      leftOut += 1;
      return;
    }
    log.info(leftOut === 0 ? lineOf(call) : { ...lineOf(call), left_out_before: leftOut }, 'call');
    leftOut = 0;
  };
}

/** What a line says; what a call has not is left out. */
function lineOf(call: FinishedCall): Record<string, unknown> {
  const { rpc, codeName, durationMs, holder, pool, leaseId, requestId, reason } = call;
  const told = {
    holder,
    pool,
    lease: leaseId === '' ? '' : leaseHash(leaseId),
    request_id: requestId,
    reason,
    trace_id: traceIdOf(call.traceparent) ?? '',
  };
  const about = Object.entries(told).filter(([, value]) => value !== '');
  return { rpc, code: codeName, duration_ms: Math.round(durationMs * 1_000) / 1_000, ...Object.fromEntries(about) };
}

/** The same lease has the same hash in every line, also in those of other servers. */
function leaseHash(leaseId: string): string {
  return hash('sha256', leaseId, 'hex').slice(0, 12);
}
