import { createWriteStream } from 'node:fs';
import type { TraceWriter } from './record.ts';

/** What is not written yet never takes more memory than this; lines beyond it are dropped and counted. */
const WAITING_BYTES_MAX = 16 * 1_024 * 1_024;

export interface TraceFile extends TraceWriter {
  /** How many lines were dropped so far. */
  readonly dropped: number;
  close(): Promise<void>;
}

/** Appends to a file that only its owner can read. A fault ends the recording, not the service: `onFault` hears of it once. */
export function openTraceFile(path: string, onFault: (fault: Error) => void): TraceFile {
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  let [dropped, isBroken] = [0, false];
  stream.on('error', (fault) => {
    isBroken = true;
    onFault(fault);
  });
  return {
    get dropped() {
      return dropped;
    },
    write(line) {
      if (isBroken || stream.writableEnded || stream.writableLength > WAITING_BYTES_MAX) dropped += 1;
      else stream.write(line);
    },
    close: () =>
      new Promise((resolve) => {
        if (isBroken || stream.closed) return resolve();
        stream.once('close', resolve);
        stream.end();
      }),
  };
}
