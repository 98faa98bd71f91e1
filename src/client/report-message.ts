import type { ReportHeadersRequest } from '../generated/keylease/v1/key_lease_service.ts';
import type { Report } from './report.ts';
import { toTimestamp } from './time.ts';

/** Headers that tell of limits, and for which account. The server needs no others, and none that may be private. */
const TOLD = /limit|remaining|reset|retry|quota|organi[sz]ation|project|error|^date$/;
const HEADERS_MAX = 128;
const HEADER_CHARACTERS_MAX = 512;
const HEADERS_BYTES_MAX = 12 * 1_024;

export const ERROR_BODY_BYTES_MAX = 16 * 1_024;

export function reportMessage(leaseId: string, report: Report): ReportHeadersRequest {
  const { usage } = report;
  return {
    leaseId,
    statusCode: report.status,
    headers: toldHeaders(report.headers ?? {}),
    errorBody: cut(report.errorBody ?? ''),
    usage: usage && {
      inputTokens: usage.inputTokens,
      outputTokens: usage.outputTokens,
      cacheReadInputTokens: usage.cacheReadInputTokens ?? 0,
      cacheCreationInputTokens: usage.cacheCreationInputTokens ?? 0,
    },
    requestTime: report.requestTime === undefined ? undefined : toTimestamp(report.requestTime),
    responseTime: report.responseTime === undefined ? undefined : toTimestamp(report.responseTime),
    inProgress: report.inProgress ?? false,
  };
}

function toldHeaders(headers: Headers | Readonly<Record<string, unknown>>): Record<string, string> {
  const told: Record<string, string> = {};
  let [count, bytes] = [0, 0];
  const listed = headers.entries;
  const entries = typeof listed === 'function' ? (headers as Headers).entries() : Object.entries(headers);
  for (const [name, value] of entries) {
    const lower = name.toLowerCase();
    if (typeof value !== 'string' || !TOLD.test(lower) || value.length > HEADER_CHARACTERS_MAX) continue;
    count += 1;
    bytes += Buffer.byteLength(lower) + Buffer.byteLength(value);
    if (count > HEADERS_MAX || bytes > HEADERS_BYTES_MAX) break;
    told[lower] = value;
  }
  return told;
}

function cut(body: string): string {
  if (Buffer.byteLength(body) <= ERROR_BODY_BYTES_MAX) return body;
  return new TextDecoder().decode(Buffer.from(body).subarray(0, ERROR_BODY_BYTES_MAX)).replace(/\uFFFD+$/, '');
}
