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
  const { keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests, requestsReported, held } = lease;
  const { sentTime, answerTime, requestId } = lease;
  // biome-ignore format: one line for what was granted, one for what became of it
  return JSON.stringify([
    keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests,
    requestsReported, held.requests, held.inputTokens, held.outputTokens, sentTime, answerTime, requestId,
  ]);
}

function leaseOf(id: string, text: string, pool: string): Lease {
  const told = JSON.parse(text);
  return {
    id,
    pool,
    keyId: told[0],
    group: told[1],
    modelClass: told[2],
    holder: told[3],
    secretVersion: told[4],
    acquireTime: told[5],
    expireTime: told[6],
    requests: told[7],
    requestsReported: told[8],
    held: { requests: told[9], inputTokens: told[10], outputTokens: told[11] },
    sentTime: told[12],
    answerTime: told[13],
    requestId: told[14],
  };
}
