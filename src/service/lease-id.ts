import { createHmac, createSecretKey, type KeyObject, randomFillSync, timingSafeEqual } from 'node:crypto';
import type { LeaseClaims } from '../pool/acquire.ts';
import { NOTHING } from '../pool/hold.ts';
import type { Lease } from '../pool/model.ts';

const PREFIX = 'kl_';
const RANDOM_BYTES = 16;
const MAC_BYTES = 16;
const ID_CHARACTERS_MAX = 2_048;

/**
 * Makes and reads lease ids: what the lease is, 128 random bits, and a MAC over both under the installation's key, so that a report
 * on a lease that is long gone is still understood, and nobody can make one up.
 */
export class LeaseIds {
  /** Prepared once: a MAC under raw bytes costs five times as much. */
  readonly #key: KeyObject;
  /** Random bytes are drawn for many ids at once, which is cheaper than for each. */
  readonly #random = Buffer.alloc(4_096);
  #used = this.#random.length;

  constructor(installationKey: Uint8Array) {
    this.#key = createSecretKey(installationKey);
  }

  mint(claims: LeaseClaims): string {
    const { pool, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests } = claims;
    const told = JSON.stringify([pool, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests]);
    const toldBytes = Buffer.byteLength(told);
    const bytes = Buffer.allocUnsafe(toldBytes + RANDOM_BYTES + MAC_BYTES);
    bytes.write(told);
    this.#randomBytes().copy(bytes, toldBytes);
    const body = bytes.subarray(0, -MAC_BYTES);
    this.#mac(body).copy(bytes, body.length);
    return PREFIX + bytes.toString('base64url');
  }

  /** The lease that an id tells of, nothing held any more; undefined: this installation did not make the id. */
  read(id: string): Lease | undefined {
    const claimed = this.claimed(id);
    return claimed !== undefined && this.#isOurs(id) ? claimed : undefined;
  }

  /** The lease that an id claims to be of, be it true or not; undefined: it claims nothing. */
  claimed(id: string): Lease | undefined {
    if (!id.startsWith(PREFIX) || id.length > ID_CHARACTERS_MAX) return undefined;
    const told = Buffer.from(id.slice(PREFIX.length), 'base64url').subarray(0, -RANDOM_BYTES - MAC_BYTES);
    const claims = parsed(told.toString());
    if (!Array.isArray(claims)) return undefined;
    const [pool, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests] = claims;
    return {
      ...{ id, pool, keyId, group, modelClass, holder, secretVersion, acquireTime, expireTime, requests },
      ...{ requestsReported: 0, held: NOTHING, sentTime: null, answerTime: null, requestId: '' },
    };
  }

  /** The pool that an id claims its lease to be of; undefined: it claims none. */
  claimedPool(id: string): string | undefined {
    const pool: unknown = this.claimed(id)?.pool;
    return typeof pool === 'string' ? pool : undefined;
  }

  #isOurs(id: string): boolean {
    const bytes = Buffer.from(id.slice(PREFIX.length), 'base64url');
    if (PREFIX + bytes.toString('base64url') !== id) return false;
    return timingSafeEqual(this.#mac(bytes.subarray(0, -MAC_BYTES)), bytes.subarray(-MAC_BYTES));
  }

  #randomBytes(): Buffer {
    if (this.#used + RANDOM_BYTES > this.#random.length) {
      randomFillSync(this.#random);
      this.#used = 0;
    }
    this.#used += RANDOM_BYTES;
    return this.#random.subarray(this.#used - RANDOM_BYTES, this.#used);
  }

  #mac(body: Buffer): Buffer {
    return createHmac('sha256', this.#key).update('lease\n').update(body).digest().subarray(0, MAC_BYTES);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
