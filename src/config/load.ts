import { readFileSync, statSync } from 'node:fs';
import { readFile as readWholeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AUTH_FILE_BYTES_MAX } from './auth-files.ts';
import type { KnownNames } from './checks.ts';
import type { Environment } from './expand.ts';
import { digestOf } from './file-watch.ts';
import { type ConfigReading, parseConfig } from './parse.ts';
import { type FileReading, SECRET_BYTES_MAX } from './secret-source.ts';
import { readTokens, type TokenRecord } from './token-file.ts';
import { readVault } from './vault.ts';
import { vaultWanted } from './vault-wanted.ts';

/** Reads and checks a configuration file, the files that it names, and its secrets in Vault. What cannot be read is a mistake like any other. */
export async function loadConfig(path: string, env: Environment, known: KnownNames): Promise<ConfigReading> {
  const files = new Map<string, string>();
  let text: string;
  try {
    const bytes = await readWholeFile(path);
    files.set(path, digestOf(bytes));
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    return { ok: false, mistakes: [{ file: path, line: 1, column: 1, path: '', message: `the file cannot be read: ${reasonOf(error)}` }] };
  }
  const readFile = (name: string, bytesMax?: number): FileReading => {
    const reading = readSmallFile(name, bytesMax);
    files.set(name, digestOf(reading.ok ? reading.bytes : undefined));
    return reading.ok ? { ok: true, text: reading.bytes.toString('utf8') } : reading;
  };
  const wanted = vaultWanted(text, { env, folder: dirname(path), readFile });
  const vault = wanted === null ? {} : { vault: await readVault(wanted) };
  const reading = parseConfig(text, path, { ...known, env, readFile, ...vault });
  return reading.ok ? { ok: true, config: { ...reading.config, files } } : reading;
}

/** The tokens of a file, by themselves; null: it cannot be read, or has a mistake. */
export function loadTokens(path: string): readonly TokenRecord[] | null {
  const file = readSmallFile(path, AUTH_FILE_BYTES_MAX);
  const reading = file.ok ? readTokens(file.bytes.toString('utf8')) : file;
  return reading.ok ? reading.tokens : null;
}

type SmallFile = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly problem: string };

function readSmallFile(path: string, bytesMax = SECRET_BYTES_MAX): SmallFile {
  try {
    const file = statSync(path);
    // A pipe would block the process.
    if (!file.isFile()) return { ok: false, problem: 'the file cannot be read: not a regular file' };
    if (file.size > bytesMax) return { ok: false, problem: `the file is longer than ${bytesMax / 1_024} KiB` };
    return { ok: true, bytes: readFileSync(path) };
  } catch (error) {
    return { ok: false, problem: `the file cannot be read: ${reasonOf(error)}` };
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};

/** Without the path, which may be a secret in the wrong place. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
  return REASONS[code] ?? code;
}
