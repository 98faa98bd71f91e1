import { isAbsolute, join } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { field } from './draft.ts';
import type { Finding, Mistake, Path } from './mistake.ts';
import type { FileReading } from './secret-source.ts';
import { authorityProblem, certificateProblem, keyProblem, TlsFiles } from './tls-pair.ts';
import { readTokens, type TokenFile } from './token-file.ts';

/** Certificates, tokens and sets of keys are longer than secrets. */
export const AUTH_FILE_BYTES_MAX = 1_024 * 1_024;

export interface AuthFileSources {
  /** Where relative paths start. */
  readonly folder: string;
  readFile(path: string, bytesMax?: number): FileReading;
}

/** The files that the sections tls and auth name; null: none is named, or it has a mistake. */
export interface AuthFiles {
  readonly tls: TlsFiles | null;
  readonly tokens: TokenFile | null;
  readonly jwks: JSONWebKeySet | null;
}

export interface AuthFilesReading {
  readonly files: AuthFiles;
  readonly findings: readonly Finding[];
  /** What is wrong inside a file of tokens, by its own lines. */
  readonly mistakes: readonly Mistake[];
}

/** Reads and checks every file of the sections tls and auth. */
export function readAuthFiles(tree: unknown, sources: AuthFileSources): AuthFilesReading {
  const findings: Finding[] = [];
  const mistakes: Mistake[] = [];
  const read = (...path: string[]): { text: string; path: Path; name: string } | undefined => {
    const named = path.reduce(field, tree);
    if (typeof named !== 'string' || named === '') return undefined;
    const name = isAbsolute(named) ? named : join(sources.folder, named);
    const reading = sources.readFile(name, AUTH_FILE_BYTES_MAX);
    if (reading.ok) return { text: reading.text, path, name };
    findings.push({ path, message: reading.problem });
    return undefined;
  };
  const find = (path: Path | undefined, problem: string | undefined): boolean => {
    if (path !== undefined && problem !== undefined) findings.push({ path, message: problem });
    return problem === undefined;
  };

  const tls = (): TlsFiles | null => {
    const [cert, key, ca] = [read('tls', 'cert'), read('tls', 'key'), read('tls', 'client_ca')];
    const isCertGood = cert !== undefined && find(cert.path, certificateProblem(cert.text));
    const isKeyGood = isCertGood && key !== undefined && find(key.path, keyProblem(cert.text, key.text));
    const isCaGood = ca === undefined || find(ca.path, authorityProblem(ca.text));
    return isKeyGood && isCaGood ? new TlsFiles(cert.text, key.text, ca?.text ?? null) : null;
  };
  const tokens = (): TokenFile | null => {
    const file = read('auth', 'tokens', 'file');
    if (file === undefined) return null;
    const reading = readTokens(file.text);
    if (reading.ok) return { name: file.name, tokens: reading.tokens };
    mistakes.push(...reading.faults.map((fault) => ({ ...fault, file: file.name })));
    return null;
  };
  const jwks = (): JSONWebKeySet | null => {
    const file = read('auth', 'jwt', 'jwks_file');
    const set = file === undefined ? null : keySetOf(file.text);
    return find(file?.path, file !== undefined && set === null ? 'the file holds no JSON Web Key Set of public keys' : undefined)
      ? set
      : null;
  };
  return { files: { tls: tls(), tokens: tokens(), jwks: jwks() }, findings, mistakes };
}

/** Public keys alone: a shared secret among them would let whoever knows it sign. */
function keySetOf(text: string): JSONWebKeySet | null {
  try {
    const keys = field(JSON.parse(text), 'keys');
    const isPublic = (key: unknown) => ['RSA', 'EC', 'OKP'].includes(field(key, 'kty') as string) && field(key, 'd') === undefined;
    return Array.isArray(keys) && keys.length > 0 && keys.every(isPublic) ? { keys } : null;
  } catch {
    return null;
  }
}
