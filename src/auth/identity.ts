/** Who calls, or why that is not known. */
export type Identified =
  | {
      readonly ok: true;
      readonly holder: string;
      /** By the wall clock: from then on the credentials must be looked at again. */
      readonly validUntil: number;
    }
  | { readonly ok: false; readonly why: string };

/** What a caller shows of itself. */
export interface Credentials {
  /** Of a certificate that the transport has verified; null: there is none. */
  readonly certificate: { readonly subjectAltName: string; readonly expireTime: number } | null;
  /** The values of the `authorization` metadata. */
  readonly authorization: readonly string[];
  /** Whether the call came over a unix socket. */
  readonly isUnix: boolean;
}
