import type { Histogram } from 'hdr-histogram-js';
import { openLoop } from '../load/open-loop.ts';
import { load, nameOf } from '../probes.ts';
import type { Samples } from '../rounds.ts';
import type { Subject } from '../servers/subject.ts';
import type { Stage } from '../stage.ts';
import { spreadOf } from '../statistics.ts';

/** Latency of AcquireKey at a steady rate. */
export interface Latency {
  readonly store: 'memory' | 'file';
  /** Of the rate at which the server is saturated. */
  readonly share: number;
  readonly perSecond: number;
  readonly calls: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
}

const STORES = ['memory', 'file'] as const;
const SHARES = [0.25, 0.5];

/** The rate of this probe is taken as saturation. */
const saturation = (store: Latency['store']) => load(store, 'acquire', 128);

export const SATURATIONS = STORES.map(saturation);

export async function measureLatency(stage: Stage, samples: Samples, durationMs: number): Promise<readonly Latency[]> {
  const latencies: Latency[] = [];
  for (const share of SHARES) {
    for (const store of STORES) {
      const rates = (samples.get(nameOf(saturation(store))) ?? []).map(({ perSecond }) => perSecond ?? 0);
      const perSecond = Math.round(spreadOf(rates).median * share);
      const subject = (await stage.subject(store)) as Subject;
      const histogram = await openLoop(await subject.connection(), perSecond, durationMs);
      await subject.release();
      latencies.push({ store, share, perSecond, calls: histogram.totalCount, ...quantiles(histogram) });
    }
  }
  return latencies;
}

function quantiles(histogram: Histogram) {
  return {
    p50Micros: histogram.getValueAtPercentile(50),
    p99Micros: histogram.getValueAtPercentile(99),
    p999Micros: histogram.getValueAtPercentile(99.9),
  };
}
