import { type HrTime, ValueType } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  MeterProvider,
  type MetricData,
  type MetricProducer,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Metrics } from '../metrics/metrics.ts';

interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Scraped = MetricObjectWithValues<MetricValue<string> & { metricName?: string }>;

/** The one metric that has a name of OpenTelemetry's own, and its attributes. */
const CALL_DURATION = 'rpc_server_call_duration_seconds';
const CALL_ATTRIBUTES: Readonly<Record<string, string>> = {
  rpc_method: 'rpc.method',
  rpc_response_status_code: 'rpc.response.status_code',
  rpc_system_name: 'rpc.system.name',
  error_type: 'error.type',
};

/** Sends what `/metrics` shows, the same numbers, again and again. */
export function openMeters({ url, headers }: Target, resource: Resource, metrics: Metrics, intervalMs: number, version: string) {
  const startTime = hrTimeOf(Date.now());
  const producer: MetricProducer = {
    async collect(): Promise<CollectionResult> {
      await metrics.collect();
      const scraped = (await metrics.registry.getMetricsAsJSON()) as unknown as readonly Scraped[];
      const span = { startTime, endTime: hrTimeOf(Date.now()) };
      const scope = { name: 'keylease', version };
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics: scraped.map((one) => metricOf(one, span)) }] }, errors: [] };
    },
  };
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url, headers: { ...headers } }),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(intervalMs, 10_000),
    metricProducers: [producer],
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return { close: () => provider.shutdown() };
}

interface Span {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

function metricOf(scraped: Scraped, span: Span): MetricData {
  const { name, help: description } = scraped;
  const isCall = name === CALL_DURATION;
  const unit = name.includes('_seconds') ? 's' : name.includes('_bytes') ? 'By' : '1';
  const descriptor = { name: isCall ? 'rpc.server.call.duration' : name, description, unit, valueType: ValueType.DOUBLE };
  const about = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
  const type = String(scraped.type);
  if (type === 'histogram') return { ...about, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramsOf(scraped, span) };
  const dataPoints = scraped.values.map(({ labels, value }) => ({ ...span, attributes: attributesOf(labels), value }));
  if (type === 'counter') return { ...about, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
  return { ...about, dataPointType: DataPointType.GAUGE, dataPoints };
}

/** The buckets of a scrape, each of which contains those before it, as buckets that stand side by side. */
function histogramsOf({ name, values }: Scraped, span: Span): DataPoint<Histogram>[] {
  const series = Map.groupBy(values, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels));
  return [...series.values()].map((samples) => {
    const buckets = samples.filter(({ metricName }) => metricName === `${name}_bucket`);
    const valueAt = (suffix: string) => samples.find(({ metricName }) => metricName === `${name}${suffix}`)?.value ?? 0;
    const boundaries = buckets.map(({ labels }) => Number(labels.le)).filter(Number.isFinite);
    const counts = buckets.map(({ value }, place) => value - (buckets[place - 1]?.value ?? 0));
    const { le: _, ...labels } = (samples[0] as (typeof samples)[number]).labels;
    const value = { buckets: { boundaries, counts }, sum: valueAt('_sum'), count: valueAt('_count') };
    return { ...span, attributes: attributesOf(labels), value };
  });
}

function attributesOf(labels: Partial<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [CALL_ATTRIBUTES[name] ?? name, String(value)]));
}

function hrTimeOf(ms: number): HrTime {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1_000_000)];
}
