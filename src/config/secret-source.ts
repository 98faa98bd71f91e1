import { isAbsolute, join } from 'node:path';
import type { DraftPool } from './draft.ts';
import { field } from './draft.ts';
import { type Environment, VARIABLE_NAME, variable } from './expand.ts';
import { type Finding, formatPath, type Path } from './mistake.ts';
import { CREDENTIAL_NAME, VAULT_PATH } from './schema-secret.ts';

export const SECRET_BYTES_MAX = 16 * 1024;

export type FileReading = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/** What Vault has at a path, or why it is not known. */
export type VaultReading =
  | { readonly ok: true; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problem: string };

/** Where secrets come from that do not stand in the configuration itself. */
export interface SecretSources {
  readonly env: Environment;
  /** Where relative paths start. */
  readonly folder: string;
  readFile(path: string, bytesMax?: number): FileReading;
  /** What was read from Vault; left out: Vault was not asked. */
  readonly vault?: ReadonlyMap<string, VaultReading>;
  /** What a secret may look like; left out: it has no white space. */
  readonly allowed?: RegExp;
}

export interface SecretsReading {
  /** The secrets, by the path of their key, or of the part of the store, as `formatPath` writes it. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

/** Reads the secret of every key, and the passwords of the store. Those whose form is wrong are left out: that is the schema's to say. */
export function readSecrets(tree: unknown, pools: readonly DraftPool[], sources: SecretSources): SecretsReading {
  const secrets = new Map<string, string>();
  const findings: Finding[] = [];
  const places = pools.flatMap((pool) => pool.keys).map(({ path, secret }) => ({ path, secret, name: 'secret' }));
  const store = field(tree, 'store');
  places.push({ path: ['store'], secret: field(store, 'password'), name: 'password' });
  places.push({ path: ['store', 'sentinels'], secret: field(field(store, 'sentinels'), 'password'), name: 'password' });
  for (const key of places) {
    const source = sourceOf(key.secret, [...key.path, key.name]);
    if (!source) continue;
    const reading = readSource(source, sources);
    if (reading.ok) secrets.set(formatPath(key.path), reading.text);
    else findings.push({ path: source.path, message: reading.problem });
  }
  return { secrets, findings };
}

/** Where one secret is. */
export interface Source {
  readonly kind: 'text' | 'env' | 'file' | 'credential' | 'vault';
  readonly text: string;
  /** Of Vault alone. */
  readonly field: string;
  readonly path: Path;
}

/** The source that is written at a path; null: its form is wrong. */
export function sourceOf(secret: unknown, path: Path): Source | null {
  if (typeof secret === 'string') return { kind: 'text', text: secret, field: '', path };
  const named = (['env', 'file', 'credential', 'vault'] as const).filter((kind) => field(secret, kind) !== undefined);
  const [kind] = named;
  if (kind === undefined || named.length > 1) return null;
  const written = field(secret, kind);
  if (kind === 'vault') {
    const [at, name] = [field(written, 'path'), field(written, 'field')];
    const isFine = typeof at === 'string' && VAULT_PATH.test(at) && typeof name === 'string' && name !== '';
    return isFine ? { kind, text: at, field: name, path: [...path, kind, 'path'] } : null;
  }
  const isFine = typeof written === 'string' && FORMS[kind].test(written);
  return isFine ? { kind, text: written, field: '', path: [...path, kind] } : null;
}

const FORMS = { env: VARIABLE_NAME, file: /./, credential: CREDENTIAL_NAME };

/** Reads what a source has. */
export function readSource({ kind, text, field }: Source, sources: SecretSources): FileReading {
  switch (kind) {
    case 'text':
      return readable(text, sources);
    case 'env': {
      const value = variable(sources.env, text);
      return value === undefined ? { ok: false, problem: `the environment variable ${text} is not set` } : readable(value, sources);
    }
    case 'file':
      return withoutLineEnd(sources.readFile(isAbsolute(text) ? text : join(sources.folder, text)), sources);
    case 'credential': {
      const folder = variable(sources.env, 'CREDENTIALS_DIRECTORY');
      if (folder === undefined)
        return { ok: false, problem: 'systemd hands no credentials to this process: CREDENTIALS_DIRECTORY is not set (LoadCredential=)' };
      return withoutLineEnd(sources.readFile(join(folder, text)), sources);
    }
    case 'vault':
      return fromVault(sources.vault?.get(text), field, sources);
    default:
      return kind satisfies never;
  }
}

function withoutLineEnd(reading: FileReading, sources: SecretSources): FileReading {
  return reading.ok ? readable(reading.text.replace(/\r?\n$/, ''), sources) : reading;
}

function fromVault(reading: VaultReading | undefined, name: string, sources: SecretSources): FileReading {
  if (reading === undefined) return { ok: false, problem: 'Vault was not asked: `vault` at the top is missing or has mistakes' };
  if (!reading.ok) return reading;
  const value = Object.hasOwn(reading.fields, name) ? reading.fields[name] : undefined;
  if (value === undefined) return { ok: false, problem: 'the secret in Vault has no such field' };
  return typeof value === 'string' ? readable(value, sources) : { ok: false, problem: 'the field of the secret in Vault is not text' };
}

/** A secret must fit into an HTTP header as it is. */
const NO_SPACE = /^[\x21-\x7e]+$/;

function readable(text: string, { allowed = NO_SPACE }: SecretSources): FileReading {
  if (text === '') return { ok: false, problem: 'the secret is empty' };
  if (text.length > SECRET_BYTES_MAX) return { ok: false, problem: 'the secret is longer than 16 KiB' };
  if (!allowed.test(text)) return { ok: false, problem: 'the secret has white space, control characters or letters beyond ASCII' };
  return { ok: true, text };
}
