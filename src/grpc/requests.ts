/** What callers send, checked and turned into nouns. */
import { createHash } from 'node:crypto';
import type { Limits } from '../config/schema-limits.ts';
import {
  AcquireKeyRequest,
  type MarkUnhealthyRequest,
  type ReportHeadersRequest,
  type Usage as UsageMessage,
} from '../generated/keylease/v1/key_lease_service.ts';
import type { Headers, Usage } from '../pool/upstream.ts';
import type { AcquireCall, MarkCall } from '../service/leases.ts';
import type { ReportCall } from '../service/read-report.ts';
import type { FieldCheck } from './check.ts';
import { reasonOf } from './words.ts';

/** Bounds that the contract names; those that an operator may move come as an argument. */
const MODEL_BYTES_MAX = 256;
const AFFINITY_BYTES_MAX = 256;
const REQUEST_ID_BYTES_MAX = 128;
const EXCLUDED_MAX = 64;
const MESSAGE_BYTES_MAX = 1_024;

export function acquireCall(request: AcquireKeyRequest, check: FieldCheck): AcquireCall {
  if (request.excludeKeyIds.length > EXCLUDED_MAX) check.violate('exclude_key_ids', `has more than ${EXCLUDED_MAX} entries`);
  const requestId = check.short('request_id', request.requestId, REQUEST_ID_BYTES_MAX);
  return {
    pool: request.pool,
    model: check.short('model', request.model, MODEL_BYTES_MAX),
    requests: Math.max(1, request.requests),
    inputTokens: request.estimatedInputTokens ?? null,
    outputTokens: request.estimatedOutputTokens ?? null,
    ttlMs: check.positiveSpan('ttl', request.ttl),
    maxWaitMs: check.span('max_wait', request.maxWait),
    affinity: check.short('affinity', request.affinity, AFFINITY_BYTES_MAX),
    priority: request.priority,
    excluded: new Set(request.excludeKeyIds),
    requestId,
    contentHash: requestId === '' ? '' : contentHash(request),
  };
}

/** Tells whether a repeated request is the same one. */
function contentHash(request: AcquireKeyRequest): string {
  return createHash('sha256').update(AcquireKeyRequest.encode(request).finish()).digest('base64url').slice(0, 22);
}

export function reportCall(request: ReportHeadersRequest, check: FieldCheck, limits: Limits): ReportCall {
  const { statusCode } = request;
  if (statusCode !== 0 && (statusCode < 100 || statusCode > 599)) check.violate('status_code', 'must be 0 or lie between 100 and 599');
  return {
    leaseId: check.required('lease_id', request.leaseId),
    status: statusCode,
    headers: headersOf(request.headers, check, limits),
    errorBody: request.errorBody.slice(0, limits.errorBodyCharacters),
    usage: request.usage === undefined ? null : usageOf(request.usage),
    requestTime: check.time('request_time', request.requestTime),
    responseTime: check.time('response_time', request.responseTime),
    inProgress: request.inProgress,
  };
}

function headersOf(headers: Record<string, string>, check: FieldCheck, limits: Limits): Headers {
  const entries = Object.entries(headers);
  if (entries.length > limits.reportedHeaders) check.violate('headers', `has more than ${limits.reportedHeaders} entries`);
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (bytes > limits.reportedHeaderBytes) check.violate('headers', `are longer than ${limits.reportedHeaderBytes} bytes together`);
  return new Map(entries.map(([name, value]) => [name.toLowerCase(), value]));
}

function usageOf(usage: UsageMessage): Usage {
  const { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens } = usage;
  return { inputTokens, outputTokens, cacheReadInputTokens, cacheCreationInputTokens };
}

export function markCall(request: MarkUnhealthyRequest, check: FieldCheck): MarkCall {
  const reason = reasonOf(request.reason);
  if (reason === undefined) check.violate('reason', 'must be one of the named reasons');
  const { target } = request;
  if (target === undefined) check.violate('target', 'one of lease_id and key_id is required');
  const byLease = target?.$case === 'leaseId';
  const name = target === undefined ? '' : target.value;
  if (target !== undefined) check.required(byLease ? 'lease_id' : 'key_id', name);
  return {
    target: byLease ? { leaseId: name } : { pool: request.pool, keyId: name },
    reason: reason ?? 'operator',
    message: check.short('message', request.message, MESSAGE_BYTES_MAX),
    cooldownMs: check.positiveSpan('cooldown', request.cooldown),
  };
}
