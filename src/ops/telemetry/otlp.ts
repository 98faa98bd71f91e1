import type { OtlpSettings } from '../../config/config.ts';
import type { CallObserver } from '../../service/finished-call.ts';
import type { Metrics } from '../metrics/metrics.ts';

export interface Otlp {
  readonly observe: CallObserver;
  close(): Promise<void>;
}

export async function openOtlp(_settings: OtlpSettings, _metrics: Metrics, _version: string): Promise<Otlp> {
  return { observe: () => {}, close: async () => {} };
}
