import { type Compared, type Comparison, compare, type Target } from '../comparisons.ts';
import { nameOf } from '../probes.ts';
import type { Sample, Samples } from '../rounds.ts';
import { spreadOf } from '../statistics.ts';
import { percent, short, spread, whole } from './figures.ts';
import { table } from './table.ts';

/** What every probe measured by itself. */
export function probeTable(samples: Samples): string {
  const rows = [...samples].map(([name, rounds]) => {
    const over = (figure: keyof Sample, write: (value: number) => string) => {
      const values = rounds.map((sample) => sample[figure]).filter((value) => value !== null);
      return values.length === 0 ? '' : spread(spreadOf(values), write);
    };
    const busy = rounds.map((sample) => sample.busy).filter((value) => value !== null);
    return [
      name,
      over('perSecond', whole),
      over('cpuMicros', short),
      busy.length === 0 ? '' : percent(spreadOf(busy).median),
      over('p50Micros', short),
    ];
  });
  const columns = [
    { title: 'measured', align: 'left' as const },
    { title: 'a second (from–to)' },
    { title: 'server CPU µs a call' },
    { title: 'server busy' },
    { title: 'p50 µs' },
  ];
  return table('EACH BY ITSELF: medians over the rounds', columns, rows);
}

/** Everything that is compared, beside its target. `missing` says by the name of a probe why it was not measured. */
export function comparisonTable(comparisons: readonly Comparison[], samples: Samples, missing: ReadonlyMap<string, string>): string {
  const rows = comparisons.map((comparison) => {
    const { what, needs, prototype, target } = comparison;
    const why = needs.map((probe) => missing.get(nameOf(probe))).find((reason) => reason !== undefined);
    if (why !== undefined) return [what, '', '', prototype, targetWords(target), why];
    const compared = compare(comparison, samples);
    const byCpu = compared.byCpu === null ? '' : spread(compared.byCpu, short);
    return [what, spread(compared.byRate, short), byCpu, prototype, targetWords(target), verdict(target, compared)];
  });
  const columns = [
    { title: 'compared', align: 'left' as const },
    { title: 'by rate (from–to)' },
    { title: 'by server CPU' },
    { title: 'a prototype' },
    { title: 'target' },
    { title: '', align: 'left' as const },
  ];
  return table('COMPARED: the median of the ratios of each round; more is better but for times', columns, rows);
}

function targetWords(target: Target | null): string {
  if (target?.atLeast !== undefined) return `≥ ${target.atLeast.toFixed(2)}`;
  return target?.atMost === undefined ? '' : `≤ ${target.atMost.toFixed(2)}`;
}

/** Noise moves a rate more than the CPU time behind it, so both are judged where both exist. */
function verdict(target: Target | null, { byRate, byCpu }: Compared): string {
  if (target === null) return '';
  const meets = (value: number) =>
    value >= (target.atLeast ?? Number.NEGATIVE_INFINITY) && value <= (target.atMost ?? Number.POSITIVE_INFINITY);
  const rate = meets(byRate.median);
  const cpu = byCpu === null ? rate : meets(byCpu.median);
  if (rate && cpu) return 'met';
  if (rate) return 'met by rate alone';
  return cpu ? 'met by CPU alone' : 'MISSED';
}
