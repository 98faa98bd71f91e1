import type { GroupState, Lease } from '../../pool/model.ts';
import { groupOf, groupRowOf } from '../group-row.ts';
import { KINDS, type Kind, type StoredRecord } from './touched.ts';

/** A record as the store keeps it: JSON, and what is written most, leases and meters, by place. */
export function textOf(kind: Kind, record: StoredRecord): string {
  if (kind === KINDS.leases) return leaseText(record as Lease);
  return JSON.stringify(kind === KINDS.groups ? groupRowOf(record as GroupState) : record);
}

export function recordOf(kind: Kind, id: string, text: string, pool: string): StoredRecord {
  if (kind === KINDS.leases) return leaseOf(id, text, pool);
  return kind === KINDS.groups ? groupOf(JSON.parse(text)) : JSON.parse(text);
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
