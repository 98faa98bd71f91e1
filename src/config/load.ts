import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { KnownNames } from './checks.ts';
import type { Environment } from './expand.ts';
import { type ConfigReading, parseConfig } from './parse.ts';
import { type FileReading, SECRET_BYTES_MAX } from './secret-source.ts';

/** Reads and checks a configuration file and the files of its secrets. A file that cannot be read is a mistake like any other. */
export async function loadConfig(path: string, env: Environment, known: KnownNames): Promise<ConfigReading> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    return { ok: false, mistakes: [{ file: path, line: 1, column: 1, path: '', message: `the file cannot be read: ${reasonOf(error)}` }] };
  }
  return parseConfig(text, path, { ...known, env, readFile: readSecretFile });
}

function readSecretFile(path: string): FileReading {
  try {
    const file = statSync(path);
    // A pipe would block the process.
    if (!file.isFile()) return { ok: false, problem: 'the file cannot be read: not a regular file' };
    if (file.size > SECRET_BYTES_MAX) return { ok: false, problem: 'the file is longer than 16 KiB' };
    return { ok: true, text: readFileSync(path, 'utf8') };
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
