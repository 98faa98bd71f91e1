import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf, FileWatch } from '../../src/config/file-watch.ts';

const POLL_NEVER = 3_600_000;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'keylease-watch-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Watches files that were read as these texts; undefined: they were not there. */
function watching(files: Readonly<Record<string, string | undefined>>, { quietMs = 10, pollMs = POLL_NEVER } = {}) {
  const known = Object.entries(files).map(([path, text]) => [path, digestOf(text === undefined ? undefined : Buffer.from(text))] as const);
  const seen = { changes: 0 };
  const changed = () => {
    seen.changes += 1;
  };
  const watch = new FileWatch(new Map(known), changed, { quietMs, pollMs });
  onTestFinished(() => watch.close());
  return { watch, seen };
}

test.each<[string, (path: string) => unknown]>([
  ['written', (path) => writeFileSync(path, 'new')],
  ['replaced', (path) => [writeFileSync(`${path}.next`, 'new'), renameSync(`${path}.next`, path)]],
  ['removed', (path) => rmSync(path)],
])('a file that is %s is told once', async (_, change) => {
  const path = join(folder(), 'file');
  writeFileSync(path, 'old');
  const { seen } = watching({ [path]: 'old' });
  change(path);
  await expect.poll(() => seen.changes).toBe(1);
  writeFileSync(`${path}.other`, 'something else');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(seen.changes).toBe(1);
});

test('a file that was not there and comes is told', async () => {
  const path = join(folder(), 'file');
  const { seen } = watching({ [path]: undefined });
  writeFileSync(path, 'new');
  await expect.poll(() => seen.changes).toBe(1);
});

test('what changed between the reading and the watching is told', async () => {
  const path = join(folder(), 'file');
  writeFileSync(path, 'new');
  const { seen } = watching({ [path]: 'old' });
  await expect.poll(() => seen.changes).toBe(1);
});

test('a link that leads elsewhere is told, as a mount of Kubernetes swaps it', async () => {
  const mount = folder();
  for (const [name, text] of [
    ['..one', 'old'],
    ['..two', 'new'],
  ] as const) {
    mkdirSync(join(mount, name));
    writeFileSync(join(mount, name, 'file'), text);
  }
  symlinkSync('..one', join(mount, '..data'));
  symlinkSync(join('..data', 'file'), join(mount, 'file'));
  const { seen } = watching({ [join(mount, 'file')]: 'old' });
  symlinkSync('..two', join(mount, '..data_tmp'));
  renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  await expect.poll(() => seen.changes).toBe(1);
});

test('where the folder comes later, the poll finds the file', async () => {
  const path = join(folder(), 'later', 'file');
  const { seen } = watching({ [path]: undefined }, { pollMs: 20 });
  mkdirSync(join(path, '..'));
  writeFileSync(path, 'new');
  await expect.poll(() => seen.changes).toBe(1);
});

test('other files from now on: the old ones are told no more', async () => {
  const place = folder();
  const [old, next] = [join(place, 'old'), join(place, 'next')];
  const { watch, seen } = watching({ [old]: undefined });
  watch.put(new Map([[next, digestOf(undefined)]]));
  writeFileSync(old, 'new');
  writeFileSync(next, 'new');
  await expect.poll(() => seen.changes).toBe(1);
});
