import { isAbsolute, join } from 'node:path';
import type { DraftPool } from './draft.ts';
import { field } from './draft.ts';
import { type Environment, VARIABLE_NAME, variable } from './expand.ts';
import { type Finding, formatPath, type Path } from './mistake.ts';

export const SECRET_BYTES_MAX = 16 * 1024;

export type FileReading = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/** Where secrets come from that do not stand in the configuration itself. */
export interface SecretSources {
  readonly env: Environment;
  /** Where relative paths start. */
  readonly folder: string;
  readFile(path: string): FileReading;
}

export interface SecretsReading {
  /** The secrets, by the path of their key, or of the store, as `formatPath` writes it. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

/** Reads the secret of every key, and the password of the store. Those whose form is wrong are left out: that is the schema's to say. */
export function readSecrets(tree: unknown, pools: readonly DraftPool[], sources: SecretSources): SecretsReading {
  const secrets = new Map<string, string>();
  const findings: Finding[] = [];
  const places = pools.flatMap((pool) => pool.keys).map(({ path, secret }) => ({ path, secret, name: 'secret' }));
  places.push({ path: ['store'], secret: field(field(tree, 'store'), 'password'), name: 'password' });
  for (const key of places) {
    const source = sourceOf(key.secret, [...key.path, key.name]);
    if (!source) continue;
    const reading = source.kind === 'text' ? readable(source.text) : readElsewhere(source, sources);
    if (reading.ok) secrets.set(formatPath(key.path), reading.text);
    else findings.push({ path: source.path, message: reading.problem });
  }
  return { secrets, findings };
}

interface Source {
  readonly kind: 'text' | 'env' | 'file';
  readonly text: string;
  readonly path: Path;
}

function sourceOf(secret: unknown, path: Path): Source | null {
  if (typeof secret === 'string') return { kind: 'text', text: secret, path };
  const env = field(secret, 'env');
  const file = field(secret, 'file');
  if (typeof env === 'string' && file === undefined && VARIABLE_NAME.test(env)) return { kind: 'env', text: env, path: [...path, 'env'] };
  if (typeof file === 'string' && env === undefined && file !== '') return { kind: 'file', text: file, path: [...path, 'file'] };
  return null;
}

function readElsewhere({ kind, text }: Source, { env, folder, readFile }: SecretSources): FileReading {
  if (kind === 'env') {
    const value = variable(env, text);
    return value === undefined ? { ok: false, problem: `the environment variable ${text} is not set` } : readable(value);
  }
  const reading = readFile(isAbsolute(text) ? text : join(folder, text));
  return reading.ok ? readable(reading.text.replace(/\r?\n$/, '')) : reading;
}

/** A secret must fit into an HTTP header as it is. */
function readable(text: string): FileReading {
  if (text === '') return { ok: false, problem: 'the secret is empty' };
  if (text.length > SECRET_BYTES_MAX) return { ok: false, problem: 'the secret is longer than 16 KiB' };
  if (!/^[\x21-\x7e]+$/.test(text)) return { ok: false, problem: 'the secret has white space, control characters or letters beyond ASCII' };
  return { ok: true, text };
}
