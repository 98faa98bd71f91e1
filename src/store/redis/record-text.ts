import type { GroupState, Lease } from '../../pool/model.ts';
import { type MeterRow, meterOf, rowOf } from './meter-row.ts';
import { KINDS, type Kind, type StoredRecord } from './touched.ts';

/** A record as the store keeps it: JSON, and what is written most, leases and meters, by place. */
export function textOf(kind: Kind, record: StoredRecord): string {
  if (kind === KINDS.leases) return leaseText(record as Lease);
  return kind === KINDS.groups ? groupText(record as GroupState) : JSON.stringify(record);
}

export function recordOf(kind: Kind, id: string, text: string, pool: string): StoredRecord {
  if (kind === KINDS.leases) return leaseOf(id, text, pool);
  return kind === KINDS.groups ? groupOf(text) : JSON.parse(text);
}

function groupText(group: GroupState): string {
  const meters = Object.entries(group.meters).map(([modelClass, each]) => [modelClass, each.map(rowOf)]);
  return JSON.stringify({ ...group, meters: Object.fromEntries(meters) });
}

function groupOf(text: string): GroupState {
  const { meters, ...group }: Omit<GroupState, 'meters'> & { meters: Record<string, MeterRow[]> } = JSON.parse(text);
  return { ...group, meters: Object.fromEntries(Object.entries(meters).map(([modelClass, rows]) => [modelClass, rows.map(meterOf)])) };
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
