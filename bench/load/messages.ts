/** What the load generator sends and reads. */
import {
  AcquireKeyRequest,
  AcquireKeyResponse,
  LeaseStreamRequest,
  ReportHeadersRequest,
} from '../../src/generated/keylease/v1/key_lease_service.ts';
import { POOL } from '../servers/config.ts';
import { grpcMessage } from './frames.ts';

export const ACQUIRE_KEY = '/keylease.v1.KeyLeaseService/AcquireKey';
export const REPORT_HEADERS = '/keylease.v1.KeyLeaseService/ReportHeaders';
export const LEASE_STREAM = '/keylease.v1.KeyLeaseService/LeaseStream';

export const acquireRequest = AcquireKeyRequest.create({
  pool: POOL,
  model: 'claude-sonnet-4-5',
  estimatedInputTokens: 1_200,
  estimatedOutputTokens: 400,
});

/** The same for every call, so that the load generator encodes nothing while it is measured. */
export const ACQUIRE_MESSAGE = grpcMessage(AcquireKeyRequest.encode(acquireRequest).finish());

export function leaseIdOf(message: Buffer): string {
  const { lease } = AcquireKeyResponse.decode(message);
  if (lease === undefined) throw new Error('an answer to AcquireKey without a lease');
  return lease.leaseId;
}

const REMAINING_OF = { requests: 3_999_990, 'input-tokens': 1_999_999_000, 'output-tokens': 399_999_000, tokens: 2_399_998_000 };

/** The twelve headers about rate limits that Anthropic sends, of an allowance that is hardly touched. */
export function anthropicHeaders(now: number): Record<string, string> {
  const reset = new Date(now + 1_000).toISOString();
  return Object.fromEntries(
    Object.entries(REMAINING_OF).flatMap(([what, remaining]) => [
      [`anthropic-ratelimit-${what}-limit`, String(Math.ceil(remaining / 1_000_000) * 1_000_000)],
      [`anthropic-ratelimit-${what}-remaining`, String(remaining)],
      [`anthropic-ratelimit-${what}-reset`, reset],
    ]),
  );
}

export function reportMessage(leaseId: string, headers: Record<string, string>): Buffer {
  const usage = { inputTokens: 1_100, outputTokens: 350, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
  return grpcMessage(ReportHeadersRequest.encode(ReportHeadersRequest.create({ leaseId, statusCode: 200, headers, usage })).finish());
}

/** One message of a LeaseStream that acquires a key for each of the ids. */
export function acquireCalls(ids: readonly number[]): Buffer {
  const calls = ids.map((id) => ({ id, call: { $case: 'acquireKey' as const, value: acquireRequest } }));
  return grpcMessage(LeaseStreamRequest.encode({ calls }).finish());
}

/** One message of a LeaseStream that gives one lease back. */
export function releaseCall(id: number, leaseId: string): Buffer {
  const call = { $case: 'releaseLease' as const, value: { leaseId } };
  return grpcMessage(LeaseStreamRequest.encode({ calls: [{ id, call }] }).finish());
}

const REPLIES_TAG = 0x0a;
const REPLY_ID_TAG = 0x08;
const ACQUIRE_KEY_TAG = 0x12;

/**
 * Reads of a LeaseStreamResponse only which calls were answered, and how: decoding all of it would make the load generator the
 * slower of the two. Relies on fields coming in the order of their numbers, which all encoders keep.
 */
export function readReplies(message: Buffer, onReply: (id: number, isGranted: boolean) => void): void {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    if (message[at++] !== REPLIES_TAG) throw new Error('not a LeaseStreamResponse');
    const length = varint();
    const end = at + length;
    if (message[at++] !== REPLY_ID_TAG) throw new Error('a reply without an id');
    const id = varint();
    onReply(id, message[at] === ACQUIRE_KEY_TAG);
    at = end;
  }
}
