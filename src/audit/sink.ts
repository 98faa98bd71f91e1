import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { type Head, readLine, sha256 } from './chain.ts';

/** Where lines go. */
export interface AuditSink {
  /** The record that the lines were left at; null: there is none here. */
  readonly left: Head | null;
  /** The beginning of a line that was never finished, if the lines were left so. */
  readonly torn: { readonly bytes: number; readonly sha256: string } | null;
  /** Throws unless all of it is written. */
  write(lines: string): void;
  close(): void;
}

/** The file is not one that can be gone on with; the message tells the operator what to do. */
export class AuditNotOpened extends Error {
  override readonly name = 'AuditNotOpened';
}

/** The last record is looked for in this much of the end: a record has a few hundred bytes. */
const TAIL_BYTES = 256 * 1_024;

/** How long a pipe whose reader is slow is waited for. */
const PATIENCE_MS = 1_000;

/**
 * Appends to a file that only its owner can read; the first write ends a line that was left unfinished. With `fsync` a write
 * returns once it is on disk.
 */
export function openAuditFile(path: string, fsync: boolean): AuditSink {
  const fd = opened(path);
  try {
    const { left, torn, isMidLine } = readTail(fd, path);
    let before = isMidLine ? '\n' : '';
    return {
      left,
      torn: torn === '' ? null : { bytes: torn.length, sha256: sha256(torn) },
      write(lines) {
        if (fstatSync(fd).nlink === 0) throw new Error(`the audit ${path} was deleted`);
        writeAll(fd, Buffer.from(before + lines));
        before = '';
        if (fsync) fdatasyncSync(fd);
      },
      close: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function opened(path: string): number {
  try {
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    throw new AuditNotOpened(`the audit cannot be written: ${(error as Error).message}`);
  }
}

/** Standard output: a chain of its own for each run, because what was there cannot be read. */
export function openAuditOutput(fd = 1): AuditSink {
  let isMidLine = false;
  return {
    left: null,
    torn: null,
    write(lines) {
      const wasMidLine = isMidLine;
      isMidLine = true;
      writeAll(fd, Buffer.from(wasMidLine ? `\n${lines}` : lines));
      isMidLine = false;
    },
    close: () => {},
  };
}

interface Tail {
  readonly left: Head | null;
  /** What stands behind the last record: lines that were begun and never finished. */
  readonly torn: string;
  readonly isMidLine: boolean;
}

function readTail(fd: number, path: string): Tail {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new AuditNotOpened(`the audit ${path} is no regular file: name another one, or use stdout`);
  const from = Math.max(0, stat.size - TAIL_BYTES);
  const bytes = Buffer.alloc(stat.size - from);
  const text = bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, from));
  const isMidLine = text !== '' && !text.endsWith('\n');
  const lines = (isMidLine ? text : text.slice(0, -1)).split('\n');
  const at = lines.findLastIndex((line) => readLine(line)?.isIntact);
  const torn = lines.slice(at + 1);
  const isKnown = at >= 0 || (from === 0 && text !== '');
  if (text !== '' && !(isKnown && torn.every(isBeginning))) throw notAnAudit(path);
  return { left: readLine(lines[at] ?? '') ?? null, torn: torn.join('\n'), isMidLine };
}

const BEGINNING = '{"audit":1,"seq":';

/** Whether a line is the first part of a record, and no whole one that was edited. */
function isBeginning(line: string): boolean {
  return (line.startsWith(BEGINNING) || BEGINNING.startsWith(line)) && readLine(line) === undefined && !line.endsWith('"}');
}

function notAnAudit(path: string): AuditNotOpened {
  return new AuditNotOpened(
    `the last line of ${path} is no intact audit record: see \`keylease audit verify ${path}\`, and move the file away`,
  );
}

function writeAll(fd: number, bytes: Uint8Array): void {
  const start = performance.now();
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() - start > PATIENCE_MS) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
