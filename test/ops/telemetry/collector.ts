import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface SentSpan {
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number };
}

interface SentMetric {
  readonly name: string;
  readonly unit: string;
  readonly histogram?: {
    readonly dataPoints: readonly { count: number; bucketCounts: readonly number[]; attributes: readonly Attribute[] }[];
  };
  readonly sum?: { readonly dataPoints: readonly { asDouble?: number; attributes: readonly Attribute[] }[]; readonly isMonotonic: boolean };
}

/** A collector of OpenTelemetry on a free loopback port, as far as keylease talks to one: OTLP over HTTP, as JSON. */
export async function startCollector() {
  const spans: SentSpan[] = [];
  const metrics = new Map<string, SentMetric>();
  const resources: unknown[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    void json(request).then((sent) => {
      const { resourceSpans = [], resourceMetrics = [] } = sent as {
        resourceSpans?: { resource: unknown; scopeSpans: { spans: SentSpan[] }[] }[];
        resourceMetrics?: { resource: unknown; scopeMetrics: { metrics: SentMetric[] }[] }[];
      };
      headers.push(request.headers);
      for (const { resource, scopeSpans } of resourceSpans) {
        resources.push(resource);
        spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      }
      for (const metric of resourceMetrics.flatMap((one) => one.scopeMetrics).flatMap((scope) => scope.metrics))
        metrics.set(metric.name, metric);
      response
        .writeHead(request.url === '/v1/traces' || request.url === '/v1/metrics' ? 200 : 404, { 'content-type': 'application/json' })
        .end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, metrics, resources, headers };
}

export function attributesOf(attributes: readonly Attribute[]): Record<string, string | undefined> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}
