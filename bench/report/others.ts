import type { Idle } from '../sections/idle.ts';
import type { Latency } from '../sections/latency.ts';
import type { Pick } from '../sections/picks.ts';
import type { Held } from '../servers/lease-churn.ts';
import { mebibytes, percent, short, whole } from './figures.ts';
import { table } from './table.ts';

export function latencyTable(latencies: readonly Latency[]): string {
  const rows = latencies.map(({ store, share, perSecond, calls, p50Micros, p99Micros, p999Micros }) => [
    store,
    percent(share),
    whole(perSecond),
    whole(calls),
    ...[p50Micros, p99Micros, p999Micros].map((micros) => short(micros / 1_000)),
  ]);
  const columns = ['of saturation', 'calls a second', 'calls', 'p50 ms', 'p99 ms', 'p99.9 ms'].map((title) => ({ title }));
  return table(
    'LATENCY of AcquireKey at a steady rate, from the moment each call was due',
    [{ title: 'store', align: 'left' }, ...columns],
    rows,
  );
}

const IDLE_BYTES_MAX = 150 * 2 ** 20;
const IDLE_STREAMS = 10_000;

export function idleTable(idle: Idle | { readonly missing: string }): string {
  const columns = [
    { title: 'streams' },
    { title: 'RSS before' },
    { title: 'RSS with them' },
    { title: 'KiB a stream' },
    { title: 'target' },
    { title: '' },
  ];
  const target = `≤ ${mebibytes(IDLE_BYTES_MAX)} with ${whole(IDLE_STREAMS)}`;
  if ('missing' in idle) return table('IDLE STREAMS', columns, [['', '', '', '', target, idle.missing]]);
  const { streams, rssBytes, rssBytesBefore } = idle;
  const verdict = rssBytes <= IDLE_BYTES_MAX ? 'met' : 'MISSED';
  const kibibytes = (rssBytes - rssBytesBefore) / 1_024 / streams;
  const row = [
    whole(streams),
    mebibytes(rssBytesBefore),
    mebibytes(rssBytes),
    short(kibibytes),
    target,
    streams < IDLE_STREAMS ? '' : verdict,
  ];
  return table('IDLE STREAMS', columns, [row]);
}

/** What a prototype's scan took at the median, and what the 99th percentile may take. */
const SCAN_WORDS: Readonly<Record<number, string>> = { 10: '0.3', 1000: '20', 100000: '4,000' };
const P99_MICROS_MAX: Readonly<Record<number, number>> = { 100000: 150 };

export function pickTable(picks: readonly Pick[]): string {
  const rows = picks.map(({ keys, answer, picks, p50Micros, p99Micros }) => {
    const most = P99_MICROS_MAX[keys];
    const target = most === undefined ? ['', ''] : [`p99 ≤ ${most}`, p99Micros <= most ? 'met' : 'MISSED'];
    return [whole(keys), answer, whole(picks), short(p50Micros), short(p99Micros), SCAN_WORDS[keys] ?? '', ...target];
  });
  const columns = ['keys', 'answer', 'picks', 'p50 µs', 'p99 µs', 'a prototype', 'target', ''].map((title) => ({ title }));
  return table('PICKS: the pure decision alone, by the number of keys', columns, rows);
}

/** The first half still fills what is bounded. */
export function memoryTable(held: readonly Held[]): string {
  const rows = held.map(({ leases, heapBytes, rssBytes, microsPerLease }) => [
    whole(leases),
    mebibytes(heapBytes),
    mebibytes(rssBytes),
    short(microsPerLease),
  ]);
  const [early, late] = [held[Math.floor(held.length / 2)]?.heapBytes ?? 0, held.at(-1)?.heapBytes ?? 0];
  const grown = `heap ${late <= early * 1.1 ? 'is flat' : 'GROWS'}: ${mebibytes(early)} after about half of them, ${mebibytes(late)} at the end`;
  const columns = ['leases', 'heap', 'RSS', 'µs a lease'].map((title) => ({ title }));
  return `${table('MEMORY while leases are acquired and settled, 1,000 under way, after garbage collection', columns, rows)}  ${grown}\n`;
}
