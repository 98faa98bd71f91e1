import { Metrics } from '../../../src/ops/metrics/metrics.ts';
import { Counts } from '../../../src/service/counts.ts';
import { memoryStore } from '../../../src/store/memory.ts';

/** The samples of an exposition, by what stands before their value, labels in the order of their names. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const sorted = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([label]) => label).sort();
      return [sorted.length === 0 ? name : `${name}{${sorted.join(',')}}`, Number(value)];
    }),
  );
}

export async function scrape(address: string): Promise<ReadonlyMap<string, number>> {
  return samplesOf(await (await fetch(`http://${address}/metrics`)).text());
}

/** Every metric that there is, with its labels and its help, of a service in which nothing happened. */
export function everyMetric(): ReadonlyMap<string, { readonly labels: readonly string[]; readonly help: string }> {
  const store = memoryStore();
  const nothing = {
    pools: { all: () => [] },
    waiting: { size: () => 0 },
    generations: { generation: 1, putTime: 0 },
    isStoreUp: () => true,
  };
  const { registry } = new Metrics({ ...nothing, store, counts: new Counts() }, { version: '0' });
  return new Map(
    registry.getMetricsAsArray().map((metric) => {
      const { name, labelNames, help } = metric as unknown as { name: string; labelNames: readonly string[]; help: string };
      return [name, { labels: labelNames, help }];
    }),
  );
}
