import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';
import type { Timings } from '../../service/timings.ts';

type Labels = Readonly<Record<string, string>>;

/** One series of a histogram. A label that is left out is as one that is empty. */
export interface TimingSeries {
  readonly labels: Labels;
  readonly timings: Timings;
}

export interface TimingMetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Asked at each scrape. */
  readonly series: () => Iterable<TimingSeries>;
}

/**
 * A histogram over timings that are kept elsewhere: an observation of prom-client's own takes about a microsecond, which is a quarter of
 * a call on a stream.
 */
export function addTimingMetric(registry: Registry, { series, ...about }: TimingMetricOptions): void {
  const get = async (): Promise<MetricObjectWithValues<MetricValueWithName<string>>> =>
    ({
      ...about,
      type: 'histogram',
      aggregator: 'sum',
      values: [...series()].flatMap((one) => valuesOf(about.name, one)),
    }) as unknown as MetricObjectWithValues<MetricValueWithName<string>>;
  registry.registerMetric({ ...about, get } as unknown as Metric);
}

function valuesOf(name: string, { labels, timings }: TimingSeries): MetricValueWithName<string>[] {
  let seen = 0;
  const buckets = timings.counts.map((count, place) => {
    seen += count;
    const le = timings.bounds[place] ?? '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: seen };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { ...labels }, value: timings.sum },
    { metricName: `${name}_count`, labels: { ...labels }, value: seen },
  ];
}
