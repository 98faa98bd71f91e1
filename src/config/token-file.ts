import { explainIssues, plainMessages } from './explain.ts';
import { formatPath } from './mistake.ts';
import { tokenLines } from './schema-auth.ts';
import { type Position, readYaml } from './yaml.ts';

/** A token of the file: of the token itself only the hash. Times are in milliseconds since the epoch. */
export interface TokenRecord {
  readonly id: string;
  readonly sha256: string;
  readonly holder: string;
  readonly createTime: number;
  /** null: it never expires. */
  readonly expireTime: number | null;
}

/** A file of tokens as it was read. */
export interface TokenFile {
  /** Its path. */
  readonly name: string;
  readonly tokens: readonly TokenRecord[];
}

interface TokenFault extends Position {
  readonly path: string;
  readonly message: string;
}

export type TokenReading =
  | { readonly ok: true; readonly tokens: readonly TokenRecord[] }
  | { readonly ok: false; readonly faults: readonly TokenFault[] };

/** Reads a file of tokens, or every mistake in it by line. An empty file has none. */
export function readTokens(text: string): TokenReading {
  const yaml = readYaml(text);
  const syntax = yaml.faults.map((fault) => ({ ...fault, path: '' }));
  if (yaml.tree === undefined || syntax.length > 0) return { ok: false, faults: syntax };
  const shape = tokenLines.safeParse(yaml.tree ?? [], { error: plainMessages });
  if (!shape.success) {
    const findings = explainIssues(shape.error.issues);
    return {
      ok: false,
      faults: findings.map(({ path, part, message }) => ({ ...yaml.position(path, part), path: formatPath(path), message })),
    };
  }
  const first = new Map<string, number>();
  const twice = shape.data.flatMap(({ id }, place) => {
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, place);
    return earlier === undefined ? [] : [place];
  });
  const repeated = twice.map((place) => ({ ...yaml.position([place, 'id']), path: `[${place}].id`, message: 'this id is there already' }));
  if (repeated.length > 0) return { ok: false, faults: repeated };
  const tokens = shape.data.map(({ id, hash, holder, created, expires }) => ({
    ...{ id, sha256: hash, holder, createTime: created, expireTime: expires ?? null },
  }));
  return { ok: true, tokens };
}

/** The line of a token in the file. */
export function tokenLineOf({ id, sha256, holder, createTime, expireTime }: TokenRecord): string {
  const expires = expireTime === null ? '' : `, expires: ${quoted(expireTime)}`;
  return `- { id: ${JSON.stringify(id)}, hash: ${JSON.stringify(sha256)}, holder: ${JSON.stringify(holder)}, created: ${quoted(createTime)}${expires} }\n`;
}

function quoted(time: number): string {
  return JSON.stringify(new Date(time).toISOString());
}
