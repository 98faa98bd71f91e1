import { Counter, type Registry } from 'prom-client';
import type { Counts, PoolCounts } from '../../service/counts.ts';
import type { Timings } from '../../service/timings.ts';
import type { CallTimings } from './call-timings.ts';
import { addTimingMetric } from './timing-metric.ts';

type Labels = Record<string, string>;

/** What only grows: read from the counts of the service at each scrape. */
export function addCounters(registry: Registry, counts: Counts, calls: CallTimings): void {
  const counter = (name: string, help: string, labelNames: readonly string[], read: () => Iterable<readonly [Labels, number]>) =>
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  const perPool = <T>(read: (counts: PoolCounts) => Iterable<readonly [Labels, T]>): (readonly [Labels, T])[] =>
    [...counts.pools].flatMap(([pool, ofPool]) => [...read(ofPool)].map(([labels, value]) => [{ pool, ...labels }, value] as const));
  const timingsPerPool = (read: (counts: PoolCounts) => Timings) =>
    [...counts.pools].map(([pool, ofPool]) => ({ labels: { pool }, timings: read(ofPool) }));

  addTimingMetric(registry, {
    name: 'rpc_server_call_duration_seconds',
    help: 'How long calls took, by method and status; a call on a LeaseStream counts under its own method.',
    labelNames: ['rpc_method', 'rpc_response_status_code', 'rpc_system_name', 'error_type'],
    series: () => calls.series(),
  });
  counter('keylease_acquire_total', 'What became of acquires. An empty pool: one that there is not was named.', ['pool', 'outcome'], () => [
    ...perPool(({ acquires }) => [...acquires].map(([outcome, count]) => [{ outcome }, count] as const)),
    [{ pool: '', outcome: 'not_found' }, counts.poolless],
  ]);
  counter('keylease_verdicts_total', 'What reports meant.', ['pool', 'verdict'], () =>
    perPool(({ verdicts }) => [...verdicts].map(([verdict, count]) => [{ verdict }, count] as const)),
  );
  counter('keylease_overcommit_total', 'Grants of more than a key had left. Stays 0: anything else is a fault of keylease.', ['pool'], () =>
    perPool(({ overcommits }) => [[{}, overcommits]]),
  );
  counter('keylease_lease_expired_unreported_total', 'Leases that ended without the reports of all their requests.', ['pool'], () =>
    perPool(({ expiredUnreported }) => [[{}, expiredUnreported]]),
  );
  counter('keylease_store_failures_total', 'Uses of the store that failed; of all changes in one commit one counts.', ['op'], () =>
    Object.entries(counts.storeFailures).map(([op, count]) => [{ op }, count] as const),
  );
  addTimingMetric(registry, {
    name: 'keylease_queue_wait_seconds',
    help: 'Time in line of acquires that would rather wait than fail; 0 where there was room at once.',
    labelNames: ['pool'],
    series: () => timingsPerPool(({ waits }) => waits),
  });
  addTimingMetric(registry, {
    name: 'keylease_report_lag_seconds',
    help: 'From the response, by the clock of the caller, to the arrival of the report. Late reports are late knowledge.',
    labelNames: ['pool'],
    series: () => timingsPerPool(({ lags }) => lags),
  });
  addTimingMetric(registry, {
    name: 'keylease_store_commit_seconds',
    help: 'How long a commit of the store took; all changes of one turn of the event loop share one.',
    labelNames: [],
    series: () => [{ labels: {}, timings: counts.commits }],
  });
}
