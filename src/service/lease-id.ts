import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { LeaseClaims } from '../pool/acquire.ts';
import type { Lease } from '../pool/model.ts';

const PREFIX = 'kl_';
const RANDOM_BYTES = 16;
const MAC_BYTES = 16;
const ID_CHARACTERS_MAX = 2_048;

/** Random bytes are drawn for many ids at once, which is cheaper than for each. */
const pool = Buffer.alloc(4_096);
let used = pool.length;

/**
 * Makes a lease id: what the lease is, 128 random bits, and a MAC over both under the installation's key, so that a report on a
 * lease that is long gone is still understood, and nobody can make one up.
 */
export function mintLeaseId(installationKey: Uint8Array, claims: LeaseClaims): string {
  const { pool, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests } = claims;
  const told = Buffer.from(JSON.stringify([pool, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests]));
  const body = Buffer.concat([told, randomBytes()]);
  return PREFIX + Buffer.concat([body, mac(installationKey, body)]).toString('base64url');
}

/** The lease that an id tells of, nothing held any more; undefined: this installation did not make the id. */
export function readLeaseId(installationKey: Uint8Array, id: string): Lease | undefined {
  if (!id.startsWith(PREFIX) || id.length > ID_CHARACTERS_MAX) return undefined;
  const bytes = Buffer.from(id.slice(PREFIX.length), 'base64url');
  const body = bytes.subarray(0, -MAC_BYTES);
  if (body.length <= RANDOM_BYTES || PREFIX + bytes.toString('base64url') !== id) return undefined;
  if (!timingSafeEqual(mac(installationKey, body), bytes.subarray(-MAC_BYTES))) return undefined;
  const [poolId, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests] = JSON.parse(
    body.subarray(0, -RANDOM_BYTES).toString(),
  );
  return {
    ...{ id, pool: poolId, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests },
    requestsReported: 0,
    held: { requests: 0, inputTokens: 0, outputTokens: 0 },
    sentTime: null,
    answerTime: null,
    requestId: '',
  };
}

function randomBytes(): Buffer {
  if (used + RANDOM_BYTES > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += RANDOM_BYTES;
  return pool.subarray(used - RANDOM_BYTES, used);
}

function mac(key: Uint8Array, body: Buffer): Buffer {
  return createHmac('sha256', key).update('lease\n').update(body).digest().subarray(0, MAC_BYTES);
}
