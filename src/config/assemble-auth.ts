import type { JSONWebKeySet } from 'jose';
import type { AuthFiles } from './auth-files.ts';
import type { FileContent } from './schema.ts';
import type { TlsFiles } from './tls-pair.ts';
import type { TokenRecord } from './token-file.ts';

/** TLS on every TCP address. */
export interface TlsSettings {
  readonly files: TlsFiles;
  readonly requireClientCert: boolean;
}

/** How callers say who they are; null: not this way. */
export interface AuthSettings {
  readonly mtls: { readonly trustDomain: string; readonly paths: readonly string[] } | null;
  readonly tokens: readonly TokenRecord[] | null;
  /** Where the tokens were read; null: they come from no file. */
  readonly tokensFile: string | null;
  readonly jwt: JwtSettings | null;
  readonly unix: { readonly holder: string } | null;
}

interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly holderClaim: string;
  readonly keys: { readonly url: string } | { readonly set: JSONWebKeySet };
}

/** One row of the access list. null: no bound. */
export interface GrantSettings {
  readonly holders: readonly string[];
  readonly pools: readonly string[];
  readonly verbs: readonly ('acquire' | 'report' | 'mark' | 'admin')[];
  readonly caps: {
    readonly leasesMax: number | null;
    readonly waitersMax: number | null;
    readonly requestsPerSecond: number | null;
    readonly burst: number;
    readonly inFlightMax: number | null;
    readonly priorityMax: number | null;
  };
}

export function assembleTls({ tls }: FileContent, { tls: files }: AuthFiles): TlsSettings | null {
  return tls === undefined || files === null ? null : { files, requireClientCert: tls.require_client_cert };
}

export function assembleAuth({ auth }: FileContent, { tokens, jwks }: AuthFiles): AuthSettings | null {
  if (auth === undefined) return null;
  const { mtls, jwt, unix } = auth;
  return {
    mtls: mtls === undefined ? null : { trustDomain: mtls.trust_domain, paths: mtls.paths },
    tokens: tokens?.tokens ?? null,
    tokensFile: tokens?.name ?? null,
    jwt:
      jwt === undefined
        ? null
        : {
            ...{ issuer: jwt.issuer, audience: jwt.audience, algorithms: jwt.algorithms, holderClaim: jwt.holder_claim },
            keys: jwt.jwks_url === undefined ? { set: jwks ?? { keys: [] } } : { url: jwt.jwks_url },
          },
    unix: unix ?? null,
  };
}

export function assembleAccess({ access = [] }: FileContent): readonly GrantSettings[] {
  return access.map(({ holders, pools, verbs, caps }) => ({
    ...{ holders, pools, verbs },
    caps: {
      leasesMax: caps.max_leases ?? null,
      waitersMax: caps.max_waiters ?? null,
      requestsPerSecond: caps.requests_per_second ?? null,
      burst: caps.burst ?? caps.requests_per_second ?? 1,
      inFlightMax: caps.max_in_flight ?? null,
      priorityMax: caps.max_priority ?? null,
    },
  }));
}
