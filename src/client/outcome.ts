import type { Demand } from './options.ts';
import type { Report } from './report.ts';
import { usageOf } from './usage.ts';

/** As some proxies write it: the caller did not wait for the answer. */
const CALLER_LEFT = 499;

type Fields = { readonly status?: unknown; readonly headers?: unknown; readonly error?: unknown } | null | undefined;

/** What a value tells that a program returned for its call; a value that tells nothing is a call that went well. */
export function reportOfValue(value: unknown): Report {
  const fields = fieldsOf(value);
  const usage = usageOf(value) ?? usageOf((fields as { readonly data?: unknown } | null)?.data);
  return { status: statusIn(fields) ?? 200, ...headersIn(fields), ...(usage === undefined ? {} : { usage }) };
}

/**
 * What an error tells that a program threw in its call, as the official SDKs throw them; one that tells no status is a call without
 * a response. A caller that gave up is no fault of the key, and what it expected to use counts as used.
 */
export function reportOfError(error: unknown, isAborted: boolean, { inputTokens = 0, outputTokens = 0 }: Demand): Report {
  const fields = fieldsOf(error);
  const status = statusIn(fields);
  if (status !== undefined) return { status, ...headersIn(fields), errorBody: textOf(fields?.error) };
  const left = isAborted || (error as { readonly name?: unknown } | null)?.name === 'AbortError';
  return left ? { status: CALLER_LEFT, usage: { inputTokens, outputTokens } } : { status: 0 };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' ? (value as Fields) : null;
}

function statusIn(fields: Fields): number | undefined {
  const status = fields?.status;
  return typeof status === 'number' && status >= 100 && status <= 599 ? status : undefined;
}

function headersIn(fields: Fields): Pick<Report, 'headers'> {
  const headers = fields?.headers;
  return typeof headers === 'object' && headers !== null ? { headers: headers as Record<string, unknown> } : {};
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body;
  return body === undefined || body === null ? '' : JSON.stringify(body);
}
