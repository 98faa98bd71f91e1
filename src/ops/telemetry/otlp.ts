import { hostname } from 'node:os';
import { CannotSend } from '../../config/cannot-send.ts';
import type { OtlpSettings } from '../../config/config.ts';
import { revealSecret } from '../../config/secret.ts';
import type { CallObserver } from '../../service/finished-call.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** What is sent to a collector. */
export interface Otlp {
  readonly observe: CallObserver;
  /** Sends what was not sent yet; a collector that does not answer is not waited for long. */
  close(): Promise<void>;
}

const CLOSE_MS_MAX = 3_000;

const OTLP_PACKAGES = [
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/exporter-metrics-otlp-http',
  '@opentelemetry/sdk-trace',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/resources',
] as const;

/** The packages are loaded only where the configuration wants them; whoever lacks them is told which to install. */
export async function openOtlp(settings: OtlpSettings, metrics: Metrics, version: string, load = loadSignals): Promise<Otlp> {
  const { openMeters, openSpans, resourceFromAttributes } = await load().catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause;
    throw new CannotSend(`telemetry.otlp needs packages that are not installed: npm install ${OTLP_PACKAGES.join(' ')}`, { cause });
  });
  const headers = Object.fromEntries(Object.entries(settings.headers).map(([name, secret]) => [name, revealSecret(secret)]));
  const resource = resourceFromAttributes({
    'service.name': 'keylease',
    'service.version': version,
    'service.instance.id': `${hostname()}-${process.pid}`,
  });
  const to = (signal: string) => ({ url: `${settings.endpoint}/v1/${signal}`, headers });
  const traces = settings.traces ? openSpans(to('traces'), resource, version) : null;
  const sent = settings.metrics ? openMeters(to('metrics'), resource, metrics, settings.intervalMs, version) : null;
  return {
    observe: traces?.observe ?? (() => {}),
    close: async () => {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, CLOSE_MS_MAX);
      await Promise.race([Promise.allSettled([traces?.close(), sent?.close()]), late]);
      clearTimeout(timer);
    },
  };
}

async function loadSignals() {
  const { openMeters } = await import('./meters.ts');
  const { openSpans } = await import('./spans.ts');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  return { openMeters, openSpans, resourceFromAttributes };
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
}
