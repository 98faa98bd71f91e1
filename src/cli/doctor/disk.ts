import { closeSync, existsSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Finding, fault, fine, warning } from './finding.ts';

const PROBES = 100;
/** About what one commit of the store writes. */
const PROBE = Buffer.alloc(300, 'x');

/** Answers wait for this, so that a slower disk is felt by every caller. */
const SLOW_MS = 10;
const FREE_BYTES_MIN = 100 * 1_024 * 1_024;

/** Whether the disk of the store takes writes, how fast it makes them durable, and how much room it has. */
export function checkDisk(folder: string): readonly Finding[] {
  const place = nearest(folder);
  try {
    return [syncTime(place), freeSpace(place)];
  } catch (error) {
    return [
      fault('disk', `cannot write to ${place}: ${(error as Error).message}; give this user write permission, or name another folder`),
    ];
  }
}

function syncTime(place: string): Finding {
  const scratch = mkdtempSync(join(place, '.keylease-doctor-'));
  try {
    const file = openSync(join(scratch, 'probe'), 'w', 0o600);
    const times = Array.from({ length: PROBES }, () => {
      const start = performance.now();
      writeSync(file, PROBE);
      fdatasyncSync(file);
      return performance.now() - start;
    }).sort((a, b) => a - b);
    closeSync(file);
    const median = times[PROBES / 2] as number;
    const told = `made durable in ${ms(median)} (median of ${PROBES}), at most ${ms(times.at(-1) as number)}`;
    return median > SLOW_MS
      ? warning('disk', `${told}: every answer waits for this, so put the store on a faster disk`)
      : fine('disk', told);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function freeSpace(place: string): Finding {
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const told = `${Math.floor(free / 1_024 / 1_024)} MiB free`;
  return free < FREE_BYTES_MIN ? warning('space', `only ${told}: when it is full no key is leased`) : fine('space', told);
}

/** The folder, or where it is not there yet the nearest one above it that is. */
function nearest(folder: string): string {
  let place = resolve(folder);
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  return place;
}

const ms = (time: number) => `${time.toFixed(2)} ms`;
