import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

const told = new Set<string>();

/**
 * Where a program that tests need, by name or absolute path, is on this machine; null: it is not, and the tests that need it are left
 * out, which is told once together with the command that brings it. In CI a missing program is a failure.
 */
export function tool(name: string, bring: string): string | null {
  const folders = isAbsolute(name) ? [''] : (process.env.PATH ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, name)).find(isProgram);
  if (found !== undefined) return found;
  if (process.env.CI === 'true') throw new Error(`tests need ${name}; bring it with: ${bring}`);
  if (!told.has(name)) process.stderr.write(`tests that need ${name} are left out; bring it with: ${bring}\n`);
  told.add(name);
  return null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
