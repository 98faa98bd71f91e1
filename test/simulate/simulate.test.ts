import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { simulate, simulatedNames } from '../../src/simulate/simulate.ts';
import { drawTimeline } from '../../src/simulate/svg.ts';
import { sweep } from '../../src/simulate/sweep.ts';
import { MINUTE, scenarioOf } from './short.ts';

const example = (name: string, durationMs?: number) => scenarioOf(readFileSync(`examples/scenarios/${name}.yaml`, 'utf8'), durationMs);

function play(name: string, strategy: string, durationMs?: number) {
  const { scenario, calls } = example(name, durationMs);
  return simulate(scenario, calls, strategy).result;
}

test('above capacity and with wrong estimates, nearly everything is used and few meet a 429', () => {
  const { used, limited, fairness } = play('saturated-anthropic', 'least_loaded', 3 * MINUTE);
  expect(used).toBeGreaterThan(0.97);
  expect(limited).toBeLessThan(0.03);
  expect(fairness).toBeGreaterThan(0.98);
});

test('above capacity and with exact estimates, nobody meets a 429', () => {
  const { scenario, load } = example('saturated-anthropic', 2 * MINUTE);
  const { calls } = scenarioOf(
    readFileSync('examples/scenarios/saturated-anthropic.yaml', 'utf8').replace(/estimate_error: .*/, 'estimate_error: 0'),
    2 * MINUTE,
  );
  expect(load.estimateError).toBe(0.4);
  const { result } = simulate(scenario, calls, 'least_loaded');
  expect(result.limited).toBe(0);
  expect(result.used).toBeGreaterThan(0.97);
});

test('by the last headers alone, most requests meet a 429', () => {
  expect(play('saturated-anthropic', 'last_headers', MINUTE).limited).toBeGreaterThan(0.5);
});

test('windows that start anew are used, without a 429', () => {
  const { used, limited } = play('fixed-window', 'least_loaded', 3 * MINUTE);
  expect(used).toBeGreaterThan(0.85);
  expect(limited).toBeLessThan(0.001);
});

test('a storm is met by fewer requests than where nobody is held back, and everybody is served after it', () => {
  const [leased, plain] = ['least_loaded', 'plain_round_robin'].map((strategy) => play('storm', strategy, 4 * MINUTE));
  expect(leased!.statuses[529]).toBeLessThan(plain!.statuses[529]! / 2);
  expect(leased!.refused + leased!.failed).toBeLessThan(0.01);
});

test('a revoked key is found out by one request, and is unhealthy at the end', () => {
  const { statuses, states } = play('revocation', 'least_loaded', 7 * MINUTE);
  expect(statuses[401]).toBeLessThanOrEqual(4);
  expect(states).toEqual({ available: 3, unhealthy: 2 });
});

test.each(simulatedNames)('%s: the same seed, the same bytes', (strategy) => {
  const { scenario, calls } = example('saturated-anthropic', MINUTE / 2);
  const once = () => {
    const { result, timeline } = simulate(scenario, calls, strategy, { withTimeline: true });
    return JSON.stringify(result) + drawTimeline(timeline!);
  };
  expect(once()).toBe(once());
});

test('another seed has other luck', () => {
  const { scenario, load } = example('saturated-anthropic', MINUTE);
  expect(load.ratePerSecond).toBe(6.6);
  const other = { ...scenario, seed: 2 };
  const { calls } = example('saturated-anthropic', MINUTE);
  expect(simulate(other, calls, 'least_loaded').result).not.toEqual(simulate(scenario, calls, 'least_loaded').result);
});

test('a sweep ends with the first number of keys that refuses nearly nobody', () => {
  const { scenario, calls } = example('revocation', 2 * MINUTE);
  const { results, enough } = sweep(scenario, calls, 'least_loaded', { from: 1, to: 6 }, () => {});
  expect(results.map(({ keys }) => keys)).toEqual(Array.from({ length: enough ?? 0 }, (_, place) => place + 1));
  expect(results.slice(0, -1).every(({ refused }) => refused >= 0.001)).toBe(true);
  expect(results.at(-1)?.refused).toBeLessThan(0.001);
});

test('the picture is one file with a lane for each limit group and labels on its axes', () => {
  const { scenario, calls } = example('saturated-anthropic', MINUTE);
  const svg = drawTimeline(simulate({ ...scenario, name: '<odd> & "name"' }, calls, 'last_headers', { withTimeline: true }).timeline!);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  for (const label of ['org-red', 'alpha, beta', '100 %', '0:30', 'met a 429', '&lt;odd&gt; &amp; &quot;name&quot;'])
    expect(svg).toContain(label);
  expect(svg).not.toMatch(/href|url\(|<script|NaN|undefined/);
});

test('where nothing is told but a 429, far fewer requests meet one than where nobody holds back', () => {
  const [leased, plain] = ['least_loaded', 'plain_round_robin'].map((strategy) => play('no-headers', strategy, 3 * MINUTE));
  expect(leased!.limited).toBeLessThan(plain!.limited / 5);
  expect(leased!.used).toBeGreaterThan(0.5);
});
