import type { FinishedCall } from '../../service/finished-call.ts';
import { Timings } from '../../service/timings.ts';
import type { TimingSeries } from './timing-metric.ts';

/** What OpenTelemetry advises for this metric, and three below, where most calls are. */
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Statuses that are the server's fault by OpenTelemetry's conventions: only they have an error type. */
const SERVER_ERRORS = new Set(['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS']);

interface Series extends TimingSeries {
  readonly timings: Timings;
}

/** How long calls took, by method and status. There are as many series as were met: a few methods and a few statuses. */
export class CallTimings {
  readonly #byRpc = new Map<string, (Series | undefined)[]>();

  record(call: FinishedCall): void {
    let byCode = this.#byRpc.get(call.rpc);
    if (byCode === undefined) {
      byCode = [];
      this.#byRpc.set(call.rpc, byCode);
    }
    let series = byCode[call.code];
    if (series === undefined) {
      series = { labels: labelsOf(call.rpc, call.codeName), timings: new Timings(BOUNDS) };
      byCode[call.code] = series;
    }
    series.timings.record(call.durationMs / 1_000);
  }

  series(): readonly TimingSeries[] {
    return [...this.#byRpc.values()].flatMap((byCode) => byCode.filter((series) => series !== undefined));
  }
}

/** The labels of a call, as OpenTelemetry's attributes are written for Prometheus. */
function labelsOf(rpc: string, codeName: string): Readonly<Record<string, string>> {
  const labels = { rpc_method: rpc, rpc_response_status_code: codeName, rpc_system_name: 'grpc' };
  return isServerError(codeName) ? { ...labels, error_type: codeName } : labels;
}

export function isServerError(codeName: string): boolean {
  return SERVER_ERRORS.has(codeName);
}
