import { createHash } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Identified } from './identity.ts';

export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Asymmetric ones alone: with a public key as the secret of an HMAC anybody could sign. */
  readonly algorithms: readonly string[];
  /** The claim that names the holder. */
  readonly holderClaim: string;
  readonly keys: { readonly url: string } | { readonly set: JSONWebKeySet };
}

/** Holders of JWTs live in a name space of their own: no claim can pass for a holder of tokens or certificates. */
const HOLDER_PREFIX = 'jwt:';
const HOLDER = /^[\x21-\x7e]{1,256}$/;

const LIFETIME_MAX_MS = 24 * 3_600_000;
const CLOCK_TOLERANCE_S = 5;

/** A verified token is believed so long without another look at its signature, so that a key that was withdrawn soon counts for nothing. */
const BELIEVED_MS = 60_000;
const BELIEVED_MAX = 1_000;
const TOKEN_CHARACTERS_MAX = 8_192;

const JWKS_BYTES_MAX = 256 * 1_024;
const JWKS_CACHE_MS = 10 * 60_000;
const JWKS_COOLDOWN_MS = 30_000;
const JWKS_TIMEOUT_MS = 5_000;
/** Also where a fetch failed: whoever sends JWTs must not make keylease ask again and again. */
const JWKS_PAUSE_MS = 5_000;

/** Verifies JWTs of one issuer. Whatever goes wrong, the keys' server included, the answer is no. */
export class JwtVerifier {
  readonly #settings: JwtSettings;
  readonly #keys: JWTVerifyGetKey;
  /** By a hash, so that no token is kept. */
  readonly #believed = new Map<string, Extract<Identified, { ok: true }>>();

  constructor(settings: JwtSettings, timeoutMs = JWKS_TIMEOUT_MS) {
    this.#settings = settings;
    this.#keys = 'set' in settings.keys ? createLocalJWKSet(settings.keys.set) : remoteKeys(settings.keys.url, timeoutMs);
  }

  /** At once where the token was verified a moment ago. */
  identify(token: string, now: number): Identified | Promise<Identified> {
    if (token.length > TOKEN_CHARACTERS_MAX) return no('the JWT is longer than 8192 characters');
    const hash = createHash('sha256').update(token).digest('base64url');
    const believed = this.#believed.get(hash);
    if (believed !== undefined && now < believed.validUntil) return believed;
    return this.#verify(token, hash, now);
  }

  async #verify(token: string, hash: string, now: number): Promise<Identified> {
    const { issuer, audience, algorithms, holderClaim } = this.#settings;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        ...{ issuer, audience, algorithms: [...algorithms], requiredClaims: ['exp'] },
        ...{ clockTolerance: CLOCK_TOLERANCE_S, currentDate: new Date(now) },
      });
      const expireTime = (payload.exp as number) * 1_000;
      const startTime = Math.min(now, (payload.iat ?? Number.POSITIVE_INFINITY) * 1_000);
      if (expireTime - startTime > LIFETIME_MAX_MS + CLOCK_TOLERANCE_S * 1_000) return no('the JWT lasts longer than 24 hours');
      const name = payload[holderClaim];
      if (typeof name !== 'string' || !HOLDER.test(name)) return no(`the JWT names no holder in its claim ${holderClaim}`);
      const validUntil = Math.min(expireTime + CLOCK_TOLERANCE_S * 1_000, now + BELIEVED_MS);
      return this.#believe(hash, { ok: true, holder: HOLDER_PREFIX + name, validUntil });
    } catch (error) {
      return no(reasonOf(error));
    }
  }

  #believe(hash: string, identified: Extract<Identified, { ok: true }>): Identified {
    if (this.#believed.size >= BELIEVED_MAX) this.#believed.delete(this.#believed.keys().next().value as string);
    this.#believed.delete(hash);
    this.#believed.set(hash, identified);
    return identified;
  }
}

function no(why: string): Identified {
  return { ok: false, why };
}

/** What was wrong with it, without a word of what it says. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the JWT has expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `the JWT is not accepted: its claim ${knownClaim(error.claim)} is wrong or missing`;
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) return 'the keys of the issuer cannot be fetched';
  return 'the JWT is not accepted: no key of the issuer has signed it with an allowed algorithm';
}

function knownClaim(claim: string): string {
  return ['iss', 'aud', 'exp', 'nbf', 'iat'].includes(claim) ? claim : '?';
}

function remoteKeys(url: string, timeoutMs: number): JWTVerifyGetKey {
  let fetchTime = Number.NEGATIVE_INFINITY;
  return createRemoteJWKSet(new URL(url), {
    ...{ cacheMaxAge: JWKS_CACHE_MS, cooldownDuration: JWKS_COOLDOWN_MS, timeoutDuration: timeoutMs },
    [customFetch]: async (target, init) => {
      const since = Date.now() - fetchTime;
      if (since >= 0 && since < JWKS_PAUSE_MS) throw new Error('the keys were asked for a moment ago');
      fetchTime = Date.now();
      return bounded(await fetch(target, init));
    },
  });
}

/** The answer of the keys' server, cut off where it is longer than any set of keys. */
async function bounded(response: Response): Promise<Response> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > JWKS_BYTES_MAX) throw new Error('the set of keys is too long');
    parts.push(part);
  }
  return new Response(Buffer.concat(parts), { status: response.status, headers: response.headers });
}
