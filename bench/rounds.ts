import type { Load } from './load/loops.ts';
import type { Subject } from './servers/subject.ts';
import { quantile } from './statistics.ts';

/** One measurement of one probe. */
export interface Sample {
  /** Null where nothing is counted by the second. */
  readonly perSecond: number | null;
  /** CPU time of the server for one call; null where there is no server. */
  readonly cpuMicros: number | null;
  /** The share of the time that the server was busy, 0 to 1. */
  readonly busy: number | null;
  /** From one call's sending to its answer. */
  readonly p50Micros: number;
}

/** Something that is measured once a round. */
export type Probe = (durationMs: number) => Promise<Sample>;

/** What was measured by the name of the probe, one sample a round. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/**
 * Measures all probes in turn, round after round, so that whatever slows the machine down for a while falls on all of them alike.
 * The first round warms up and is dropped.
 */
export async function runRounds(
  probes: ReadonlyMap<string, Probe>,
  rounds: number,
  durationMs: number,
  progress: (text: string) => void,
): Promise<Samples> {
  const samples = new Map<string, Sample[]>([...probes.keys()].map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, probe] of probes) {
      progress(round === 0 ? `warming up: ${name}` : `round ${round} of ${rounds}: ${name}`);
      const sample = await probe(durationMs);
      if (round > 0) samples.get(name)?.push(sample);
    }
  }
  return samples;
}

/** Loads a server for a while, and then takes away the leases that the load has left. */
export async function measure(subject: Subject, load: Load, durationMs: number): Promise<Sample> {
  const connection = await subject.connection();
  const before = await subject.usage();
  const { calls, elapsedMs, latenciesMs } = await load(connection, durationMs);
  const cpuMicros = (await subject.usage()).cpuMicros - before.cpuMicros;
  await subject.release();
  return {
    perSecond: (calls * 1_000) / elapsedMs,
    cpuMicros: cpuMicros / calls,
    busy: cpuMicros / 1_000 / elapsedMs,
    p50Micros: quantile(latenciesMs, 0.5) * 1_000,
  };
}
