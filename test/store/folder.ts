import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Names folders that do not exist yet; whatever is made there goes when the test file ends. */
export function temporaryFolders(): () => string {
  const root = mkdtempSync(join(tmpdir(), 'keylease-'));
  let count = 0;
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return () => join(root, `store-${++count}`);
}
