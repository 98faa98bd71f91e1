import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { callsOf } from '../../src/simulate/load.ts';
import { parseScenario } from '../../src/simulate/scenario-file.ts';
import { simulate } from '../../src/simulate/simulate.ts';

/** The scenarios at their full length, with demand above capacity, estimates off by up to 40 % and calls of 0.1 to 60 s. */
test.each([
  { scenario: 'saturated-anthropic', seed: 1, usedMin: 0.97, limitedMax: 0.001 },
  { scenario: 'saturated-anthropic', seed: 2, usedMin: 0.97, limitedMax: 0.001 },
  { scenario: 'fixed-window', seed: 1, usedMin: 0.97, limitedMax: 0.001 },
  { scenario: 'fixed-window', seed: 2, usedMin: 0.97, limitedMax: 0.001 },
  { scenario: 'no-headers', seed: 1, usedMin: 0.85, limitedMax: 0.02 },
])(
  '$scenario, seed $seed: at least $usedMin of what can be used is, and at most $limitedMax of the calls meet a 429',
  ({ scenario, seed, ...target }) => {
    const file = `examples/scenarios/${scenario}.yaml`;
    const reading = parseScenario(readFileSync(file, 'utf8'), file);
    const parsed = reading.ok ? reading : undefined;
    expect(parsed?.ok).toBe(true);
    const played = { ...parsed!.scenario, seed };
    const { used, limited } = simulate(played, callsOf(parsed!.load, played.durationMs, seed), 'least_loaded').result;
    expect(used).toBeGreaterThanOrEqual(target.usedMin);
    expect(limited).toBeLessThanOrEqual(target.limitedMax);
  },
);
