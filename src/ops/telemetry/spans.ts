import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { Resource } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { CallObserver } from '../../service/finished-call.ts';
import { isServerError } from '../metrics/call-timings.ts';
import { readTraceparent } from './traceparent.ts';

interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A server span for each call that is over, as a child of the caller's span where the caller told it. */
export function openSpans({ url, headers }: Target, resource: Resource, version: string) {
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers } });
  const provider = new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000 })],
  });
  const tracer = provider.getTracer('keylease', version);
  const observe: CallObserver = ({ rpc, codeName, startTime, durationMs, traceparent, pool, reason }) => {
    const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': rpc, 'rpc.response.status_code': codeName };
    const span = tracer.startSpan(rpc, { kind: SpanKind.SERVER, startTime, attributes }, parentOf(traceparent));
    if (!span.isRecording()) return;
    if (pool !== '') span.setAttribute('keylease.pool', pool);
    if (reason !== '') span.setAttribute('keylease.reason', reason);
    if (isServerError(codeName)) span.setAttribute('error.type', codeName).setStatus({ code: SpanStatusCode.ERROR });
    span.end(startTime + durationMs);
  };
  return { observe, close: () => provider.shutdown() };
}

function parentOf(header: string | undefined): Context {
  const parent = readTraceparent(header);
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    isRemote: true,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  });
}
