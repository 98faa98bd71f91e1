import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';

/** Editors and mounts change a file in several steps. */
const QUIET_MS = 200;

/** Some mounts tell nobody of changes. */
const POLL_MS = 30_000;

export interface FileWatchOptions {
  readonly quietMs?: number;
  readonly pollMs?: number;
}

/**
 * Calls back when the content of a file has changed, once for each change however it was made: written, replaced, or reached by a link
 * that now leads elsewhere, as mounts of Kubernetes do. Folders are watched, not files, since a file that is replaced is another one.
 */
export class FileWatch {
  readonly #changed: () => void;
  readonly #quietMs: number;
  readonly #poll: NodeJS.Timeout;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Each file, with the digest of what was read or last seen. */
  #known: ReadonlyMap<string, string> = new Map();
  #quiet: NodeJS.Timeout | undefined;

  constructor(files: ReadonlyMap<string, string>, changed: () => void, { quietMs = QUIET_MS, pollMs = POLL_MS }: FileWatchOptions = {}) {
    this.#changed = changed;
    this.#quietMs = quietMs;
    this.#poll = setInterval(() => this.#check(), pollMs).unref();
    this.put(files);
  }

  /** Watches these files from now on, each with the digest of what was read of it: what has changed since is noticed too. */
  put(files: ReadonlyMap<string, string>): void {
    this.#known = files;
    this.#watchFolders();
    this.#stir();
  }

  close(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#quiet);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #check(): void {
    this.#watchFolders();
    const now = new Map([...this.#known.keys()].map((file) => [file, digestOf(contentOf(file))]));
    if ([...now].every(([file, digest]) => digest === this.#known.get(file))) return;
    this.#known = now;
    this.#changed();
  }

  #watchFolders(): void {
    const folders = new Set([...this.#known.keys()].map((file) => dirname(file)));
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  /** A folder that cannot be watched is left to the poll, which tries again. */
  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#stir());
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch {
      this.#watchers.delete(folder);
    }
  }

  #stir(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#check(), this.#quietMs).unref();
  }
}

/** Tells contents apart; undefined: there is no such file. */
export function digestOf(content: Uint8Array | undefined): string {
  return content === undefined ? 'none' : createHash('sha256').update(content).digest('base64url');
}

function contentOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
