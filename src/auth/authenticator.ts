import { type MtlsSettings, SpiffeHolders } from './certificate.ts';
import type { Credentials, Identified } from './identity.ts';
import { type JwtSettings, JwtVerifier } from './jwt.ts';
import { isToken, TokenBook, type TokenEntry } from './token.ts';

/** The ways in which callers can say who they are; null: not this way. */
export interface AuthSettings {
  readonly mtls: MtlsSettings | null;
  readonly tokens: readonly TokenEntry[] | null;
  readonly jwt: JwtSettings | null;
  /** The holder of whoever may open the unix socket. */
  readonly unix: { readonly holder: string } | null;
}

/**
 * Finds out who calls. An `authorization` that is shown decides alone: where it is bad, nothing else is tried. Then comes a client
 * certificate, then the unix socket. Time is the wall clock.
 */
export class Authenticator {
  readonly #settings: AuthSettings;
  readonly #tokens: TokenBook | null;
  readonly #jwt: JwtVerifier | null;
  readonly #certificates: SpiffeHolders | null;

  /** What was fetched and verified for one that it takes the place of is kept where it still applies. */
  constructor(settings: AuthSettings, before: Authenticator | null = null) {
    this.#settings = settings;
    this.#tokens = settings.tokens === null ? null : new TokenBook(settings.tokens);
    const isSame = before !== null && JSON.stringify(settings.jwt) === JSON.stringify(before.#settings.jwt);
    this.#jwt = settings.jwt === null ? null : ((isSame ? before.#jwt : null) ?? new JwtVerifier(settings.jwt));
    this.#certificates = settings.mtls === null ? null : new SpiffeHolders(settings.mtls);
  }

  identify({ certificate, authorization, isUnix }: Credentials, now: number): Identified | Promise<Identified> {
    if (authorization.length > 0) return this.#byAuthorization(authorization, now);
    if (certificate !== null && this.#certificates !== null) {
      if (certificate.expireTime <= now) return { ok: false, why: 'the client certificate has expired' };
      const found = this.#certificates.holderOf(certificate.subjectAltName);
      return 'why' in found ? { ok: false, ...found } : { ok: true, ...found, validUntil: certificate.expireTime };
    }
    const { unix } = this.#settings;
    if (isUnix && unix !== null) return { ok: true, holder: unix.holder, validUntil: Number.POSITIVE_INFINITY };
    return { ok: false, why: `this server wants to know who calls: ${this.#ways()}` };
  }

  #byAuthorization(values: readonly string[], now: number): Identified | Promise<Identified> {
    const credential = values.length === 1 ? /^bearer +([!-~]+)$/i.exec(values[0] as string)?.[1] : undefined;
    if (credential === undefined) return { ok: false, why: 'the authorization must be one `Bearer` and a token' };
    if (isToken(credential)) return this.#byToken(credential, now);
    return this.#jwt === null ? { ok: false, why: UNKNOWN_TOKEN } : this.#jwt.identify(credential, now);
  }

  #byToken(token: string, now: number): Identified {
    const entry = this.#tokens?.find(token);
    if (entry === undefined) return { ok: false, why: UNKNOWN_TOKEN };
    const validUntil = entry.expireTime ?? Number.POSITIVE_INFINITY;
    return now < validUntil ? { ok: true, holder: entry.holder, validUntil } : { ok: false, why: 'the token has expired' };
  }

  #ways(): string {
    const { mtls, tokens, jwt } = this.#settings;
    const ways = [
      ...(mtls === null ? [] : ['a client certificate']),
      ...(tokens === null ? [] : ['a token (authorization: Bearer klt_…)']),
      ...(jwt === null ? [] : ['a JWT (authorization: Bearer …)']),
    ];
    return ways.length === 0 ? 'it serves its unix socket alone' : `send ${ways.join(' or ')}`;
  }
}

/** Revoked, never made, or with another secret: nobody is told which. */
const UNKNOWN_TOKEN = 'the token is not known here';
