import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { everyMetric } from '../ops/metrics/scrape.ts';

/** What Prometheus itself adds to every series. */
const ALWAYS_THERE = ['instance', 'job', 'le'];

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard = JSON.parse(read('deploy/grafana/keylease.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } | string }[] };
};
const alerts = (parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: { alert: string; expr: string }[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);

const EXPRESSIONS = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ where: title, expr, legend: legendFormat })),
  ),
  ...dashboard.templating.list.flatMap(({ query }) =>
    typeof query === 'string' ? [] : [{ where: 'a variable', expr: query.query, legend: '' }],
  ),
  ...alerts.map(({ alert, expr }) => ({ where: alert, expr, legend: '' })),
];

/** The metrics that an expression names, and the labels, of which each metric must have all but those of `by`, which one of them must have. */
function namedIn(expr: string) {
  const metrics = [...expr.matchAll(/\b((?:keylease|rpc|nodejs|process)_\w+|up)\b(?:\{([^}]*)\})?/g)];
  const grouped = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/,\s*/));
  return {
    metrics: metrics
      .filter(([, name = '']) => !(name === 'rpc_method' || name.startsWith('rpc_response_') || name.startsWith('rpc_system_')))
      .map(([, name = '', matchers = '']) => ({
        name,
        labels: [...matchers.matchAll(/(\w+)(?:=~?|!~|!=)"/g)].map(([, label = '']) => label),
      })),
    grouped,
  };
}

const METRICS = everyMetric();

function labelsOf(name: string): readonly string[] | undefined {
  if (name === 'up') return ALWAYS_THERE;
  const metric = METRICS.get(name) ?? METRICS.get(name.replace(/_(?:bucket|count|sum)$/, ''));
  return metric && [...metric.labels, ...ALWAYS_THERE];
}

describe('what dashboards and alerts name is there', () => {
  test.each(EXPRESSIONS)('$where: $expr', ({ expr, legend }) => {
    const { metrics, grouped } = namedIn(expr);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter(({ name }) => labelsOf(name) === undefined)).toEqual([]);
    expect(metrics.flatMap(({ name, labels }) => labels.filter((label) => !labelsOf(name)!.includes(label)))).toEqual([]);
    const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
    expect([...grouped, ...shown].filter((label) => !metrics.some(({ name }) => labelsOf(name)!.includes(label)))).toEqual([]);
  });
});

test('a metric or a label that is not there would be found', () => {
  expect(namedIn('sum by (pool) (rate(keylease_gone_total{pool="a",colour=~"b"}[5m]))')).toEqual({
    metrics: [{ name: 'keylease_gone_total', labels: ['pool', 'colour'] }],
    grouped: ['pool'],
  });
  expect(labelsOf('keylease_gone_total')).toBeUndefined();
  expect(labelsOf('keylease_queue_wait_seconds_bucket')).toContain('le');
});

test('every metric of keylease itself is drawn or watched', () => {
  const named = new Set(
    EXPRESSIONS.flatMap(({ expr }) => namedIn(expr).metrics.map(({ name }) => name.replace(/_(?:bucket|count|sum)$/, ''))),
  );
  const left = [...METRICS.keys()].filter((name) => /^(?:keylease|rpc)_/.test(name) && !named.has(name));
  expect(left).toEqual(['keylease_key_state']);
});

test('no two alerts have one name, and every panel fits the grid', () => {
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  expect(dashboard.panels.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([]);
});
