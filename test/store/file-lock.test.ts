import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openFileStore } from '../../src/store/file.ts';
import { startChild } from './child.ts';
import { temporaryFolders } from './folder.ts';

const newFolder = temporaryFolders();

test('a second process is refused and told which folder, which process has it, and what to do', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder });
  const child = startChild('open', folder);
  await child.printed(1);
  expect(child.lines[0]).toBe(
    `cannot use ${folder} as a store: another keylease process (pid ${process.pid}) uses it; end that process first, or give this one a folder of its own`,
  );
  await store.close();
});

test('a folder is free again at once after its process was killed, whatever the file with the process id says', async () => {
  const folder = newFolder();
  const child = startChild('hold', folder);
  await child.printed(1);
  expect(() => openFileStore({ folder })).toThrow(`(pid ${child.process.pid})`);
  await child.kill();
  expect(readdirSync(folder)).toContain('lock.pid');
  await openFileStore({ folder }).close();
});

test('the same process cannot open a folder twice, and the attempt does not free it for others', async () => {
  const folder = newFolder();
  const store = openFileStore({ folder });
  expect(() => openFileStore({ folder })).toThrow('another keylease process');
  const child = startChild('open', folder);
  await child.printed(1);
  expect(child.lines[0]).toMatch('another keylease process');
  await store.close();
  await openFileStore({ folder }).close();
});
