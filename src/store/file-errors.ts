/** The folder cannot be used as a store. The message is for the operator: which folder, why, and what to do. */
export class StoreNotOpened extends Error {
  override readonly name = 'StoreNotOpened';
}

const BUSY = 5;
const READONLY = 8;
const FULL = 13;
const CORRUPT = 11;
const CANTOPEN = 14;
const NOTADB = 26;

const REASONS: Readonly<Record<number, string>> = {
  [BUSY]: 'another program holds a lock on the database; end it, or its open transaction',
  [READONLY]: 'no permission to write there; give this user write permission to the folder and the files in it',
  [FULL]: 'there is no space left on its disk; make some',
  [CANTOPEN]: 'the database file cannot be opened or made; check that it is a file and that this user may read and write it and its folder',
  [CORRUPT]: 'keylease.db is damaged; put a copy of it back, or move it away to start anew',
  [NOTADB]: 'keylease.db is not a database; move the file away or name another folder',
};

const FOLDER_REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'that is not a folder; name a folder',
  ENOTDIR: 'a part of that path is not a folder; name a folder',
  EACCES: 'no permission there; give this user write permission',
  EPERM: 'no permission there; give this user write permission',
  EROFS: 'that disk is read-only',
  ENOSPC: 'there is no space left on that disk; make some',
};

/** SQLite's primary result code of an error; null: the error came from somewhere else. */
function sqliteCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === BUSY;
}

/** Says for the operator why a folder cannot be used; keeps the cause. */
export function notOpened(folder: string, error: unknown): StoreNotOpened {
  if (error instanceof StoreNotOpened) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = REASONS[sqliteCode(error) ?? -1] ?? FOLDER_REASONS[code ?? ''] ?? message;
  return new StoreNotOpened(`cannot use ${folder} as a store: ${reason}`, { cause: error });
}
