import type { Report } from '../pool/report.ts';
import type { Headers, Millis, Provider, Usage } from '../pool/upstream.ts';
import { observationsInBody } from '../provider/body-reading.ts';
import { judge } from '../provider/judge.ts';

/** A report as the caller sent it, checked. */
export interface ReportCall extends Pick<Report, 'status' | 'requestTime' | 'responseTime' | 'inProgress'> {
  readonly leaseId: string;
  readonly headers: Headers;
  readonly errorBody: string;
  readonly usage: Usage | null;
}

/** What a report says by the provider's rules. The body is read here, and goes no further. */
export function readReport(provider: Provider, call: ReportCall, now: Millis): Report {
  const { status, headers, errorBody: body, requestTime, responseTime, inProgress } = call;
  const at = Math.min(responseTime ?? now, now);
  const told = provider.readHeaders(headers, at);
  const answer = { status, body, headers, responseTime: at, retryAfterMs: told.retryAfterMs };
  return {
    reading: { ...told, observations: [...told.observations, ...observationsInBody(provider, answer)] },
    judgement: judge(provider, answer),
    used: call.usage && provider.counted(call.usage),
    status,
    requestTime,
    responseTime,
    inProgress,
  };
}
