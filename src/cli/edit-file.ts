import { chmodSync, chownSync, closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { usageMistake } from './failure.ts';

/** How long one who edits waits for another who does. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 20;

/**
 * Replaces a file by what `edit` makes of it, at once, so that nobody reads half of it. One at a time: the file to come is the lock, so
 * no edit is lost. Mode and owner stay; a new file gets `mode`.
 */
export async function editFile(file: string, mode: number, edit: () => string): Promise<void> {
  const next = `${file}.next`;
  const descriptor = await claim(next, mode);
  try {
    writeSync(descriptor, edit());
    fsyncSync(descriptor);
    keepOwner(file, next);
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

async function claim(next: string, mode: number): Promise<number> {
  for (let left = PATIENCE_MS; ; left -= LOOK_MS) {
    try {
      return openSync(next, 'wx', mode);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') throw usageMistake(`the file ${next} cannot be written: ${code}`);
      if (left <= 0) throw usageMistake(`${next} is there: another edit is under way, or was cut off; if none is, remove that file`);
    }
    await delay(LOOK_MS);
  }
}

/** A server that runs as another user must still be able to read it. */
function keepOwner(file: string, next: string): void {
  const [before, now] = [statSync(file, { throwIfNoEntry: false }), statSync(next)];
  if (before === undefined) return;
  try {
    if (before.uid !== now.uid || before.gid !== now.gid) chownSync(next, before.uid, before.gid);
  } catch {
    throw usageMistake(`nothing was changed: ${file} belongs to another user or group, and could not be given back to it`);
  }
  chmodSync(next, before.mode);
}
