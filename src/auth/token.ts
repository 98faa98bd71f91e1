import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A bearer token as it is kept: never the token, only its hash. */
export interface TokenEntry {
  readonly id: string;
  /** SHA-256 of the whole token, 64 hex digits: 256 random bits need no slow hash. */
  readonly sha256: string;
  readonly holder: string;
  /** Milliseconds since the epoch; null: it never expires. */
  readonly expireTime: number | null;
}

const TOKEN = /^klt_([a-z0-9]{8,32})_[A-Za-z0-9_-]{43}$/;

/** Makes a token: `klt_<id>_<256 random bits>`, and what is kept of it. */
export function mintToken(): { readonly token: string; readonly id: string; readonly sha256: string } {
  const id = randomBytes(6).toString('hex');
  const token = `klt_${id}_${randomBytes(32).toString('base64url')}`;
  return { token, id, sha256: hashOf(token).toString('hex') };
}

/** Whether a text claims to be one of our tokens. */
export function isToken(text: string): boolean {
  return text.startsWith('klt_');
}

/** Compared with where the id is unknown, so that an unknown id takes as long as a wrong secret. */
const NOBODY = Buffer.alloc(32);

/** The tokens that are good. */
export class TokenBook {
  readonly #entries: ReadonlyMap<string, { readonly hash: Buffer; readonly entry: TokenEntry }>;

  constructor(entries: readonly TokenEntry[]) {
    this.#entries = new Map(entries.map((entry) => [entry.id, { hash: Buffer.from(entry.sha256, 'hex'), entry }]));
  }

  /** The entry of a token; undefined: it is none of these. Whether it has expired is another question. */
  find(token: string): TokenEntry | undefined {
    const known = this.#entries.get(TOKEN.exec(token)?.[1] ?? '');
    const isSame = timingSafeEqual(hashOf(token), known?.hash ?? NOBODY);
    return isSame ? known?.entry : undefined;
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
