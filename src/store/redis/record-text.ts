import type { Lease } from '../../pool/model.ts';
import { KINDS, type Kind, type StoredRecord } from './touched.ts';

/** A record as the store keeps it: JSON, and of a lease, the most frequent one, its fields in an order that is fixed. */
export function textOf(kind: Kind, record: StoredRecord): string {
  return kind === KINDS.leases ? leaseText(record as Lease) : JSON.stringify(record);
}

export function recordOf(kind: Kind, id: string, text: string, pool: string): StoredRecord {
  return kind === KINDS.leases ? leaseOf(id, text, pool) : JSON.parse(text);
}

function leaseText(lease: Lease): string {
  return JSON.stringify([
    ...[lease.keyId, lease.group, lease.modelClass, lease.holder, lease.secretVersion, lease.acquireTime, lease.expireTime],
    ...[lease.requests, lease.requestsReported, lease.held.requests, lease.held.inputTokens, lease.held.outputTokens],
    ...[lease.sentTime, lease.answerTime, lease.requestId],
  ]);
}

function leaseOf(id: string, text: string, pool: string): Lease {
  const [keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests, requestsReported, ...rest] = JSON.parse(text);
  const [heldRequests, inputTokens, outputTokens, sentTime, answerTime, requestId] = rest;
  return {
    ...{ id, pool, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests, requestsReported },
    ...{ held: { requests: heldRequests, inputTokens, outputTokens }, sentTime, answerTime, requestId },
  };
}
