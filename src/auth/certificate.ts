import { matches, type Pattern, patternOf } from './pattern.ts';

/** Which SPIFFE identities are holders. */
export interface MtlsSettings {
  readonly trustDomain: string;
  /** Patterns of paths, as in `/ns/*` + `/sa/worker`. */
  readonly paths: readonly string[];
}

const SPIFFE_BYTES_MAX = 512;
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;

/** One name as Node writes it; a name with special characters is in quotes, so that no name can pass for two. */
const NAME = /(?:^|, )([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^,"]*)/gy;

/** Turns the names of a verified certificate into the holder: its SPIFFE id. Never the common name. */
export class SpiffeHolders {
  readonly #trustDomain: string;
  readonly #paths: readonly Pattern[];

  constructor({ trustDomain, paths }: MtlsSettings) {
    this.#trustDomain = trustDomain;
    this.#paths = paths.map(patternOf);
  }

  /** `subjectAltName` as Node prints it. */
  holderOf(subjectAltName: string): { readonly holder: string } | { readonly why: string } {
    const uris = urisOf(subjectAltName);
    if (uris?.length !== 1) return { why: `the client certificate has ${uris?.length ?? 'unreadable'} URI names, not exactly one` };
    const uri = uris[0] as string;
    const [, trustDomain, path] = (uri.length <= SPIFFE_BYTES_MAX && SPIFFE_ID.exec(uri)) || [];
    if (path === undefined || /\/\.\.?(?:\/|$)/.test(path)) return { why: 'the URI name of the client certificate is no SPIFFE id' };
    if (trustDomain !== this.#trustDomain) return { why: 'the client certificate is of another trust domain' };
    if (!this.#paths.some((pattern) => matches(pattern, path))) return { why: 'no path of auth.mtls allows this SPIFFE id' };
    return { holder: uri };
  }
}

/** Every URI among the names; undefined: the list cannot be read. */
function urisOf(subjectAltName: string): string[] | undefined {
  const uris: string[] = [];
  NAME.lastIndex = 0;
  for (let end = 0; end < subjectAltName.length; end = NAME.lastIndex) {
    const match = NAME.exec(subjectAltName);
    if (match === null) return undefined;
    if (match[1] === 'URI') uris.push(match[2] as string);
  }
  return uris;
}
