import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { acquires, type Load, pairs, streamedAcquires } from './load/loops.ts';
import { measure, type Probe } from './rounds.ts';
import type { Stage, SubjectName } from './stage.ts';
import { quantile } from './statistics.ts';

export type LoadName = 'acquire' | 'pairs' | 'stream' | 'stream32';

const LOADS: Readonly<Record<LoadName, (underWay: number) => Load>> = {
  acquire: acquires,
  pairs,
  stream: (underWay) => streamedAcquires(underWay, 1),
  stream32: (underWay) => streamedAcquires(underWay, 32),
};

const SUBJECT_WORDS: Readonly<Record<SubjectName, string>> = {
  echo: 'grpc-js echo',
  cpp: 'C++ echo',
  memory: 'keylease, memory',
  file: 'keylease, file',
};

const LOAD_WORDS: Readonly<Record<LoadName, string>> = {
  acquire: 'AcquireKey',
  pairs: 'AcquireKey + ReportHeaders',
  stream: 'LeaseStream, 1 a message',
  stream32: 'LeaseStream, 32 a message',
};

/** What one probe measures: a load on a server, or the bare disk. */
export type ProbeOf =
  | { readonly kind: 'load'; readonly subject: SubjectName; readonly load: LoadName; readonly underWay: number }
  | { readonly kind: 'fdatasync' };

export const FDATASYNC: ProbeOf = { kind: 'fdatasync' };

export function load(subject: SubjectName, load: LoadName, underWay: number): ProbeOf {
  return { kind: 'load', subject, load, underWay };
}

/** Names the probe in the output and in the samples. */
export function nameOf(probe: ProbeOf): string {
  if (probe.kind === 'fdatasync') return 'fdatasync of 300 bytes';
  return `${SUBJECT_WORDS[probe.subject]}: ${LOAD_WORDS[probe.load]}, ${probe.underWay} under way`;
}

/** The probe, with its server started; or why it cannot be measured here. */
export async function prepare(probe: ProbeOf, stage: Stage): Promise<Probe | { readonly missing: string }> {
  if (probe.kind === 'fdatasync') return (durationMs) => Promise.resolve(syncForAWhile(stage.folder, durationMs));
  const subject = await stage.subject(probe.subject);
  if ('missing' in subject) return subject;
  if (probe.load.startsWith('stream') && !(await stage.servesStream(subject))) return { missing: 'not served by this version' };
  const generate = LOADS[probe.load](probe.underWay);
  return (durationMs) => measure(subject, generate, durationMs);
}

/** A tenth of the time is enough for hundreds of them. */
function syncForAWhile(folder: string, durationMs: number) {
  const file = openSync(join(folder, 'fdatasync'), 'a');
  const record = Buffer.alloc(300, 1);
  const latenciesMs: number[] = [];
  const begin = performance.now();
  try {
    while (performance.now() - begin < durationMs / 10) {
      writeSync(file, record);
      const start = performance.now();
      fdatasyncSync(file);
      latenciesMs.push(performance.now() - start);
    }
  } finally {
    closeSync(file);
  }
  return { perSecond: null, cpuMicros: null, busy: null, p50Micros: quantile(latenciesMs, 0.5) * 1_000 };
}
