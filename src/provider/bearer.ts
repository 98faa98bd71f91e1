import type { Credential } from '../pool/upstream.ts';

/** The credential of a provider that takes the secret as a bearer token. */
export function bearer(secret: string, baseUrl: string): Credential {
  return { secret, headerName: 'authorization', headerValue: `Bearer ${secret}`, headers: {}, baseUrl };
}
