import { readFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { parse } from 'yaml';
import { play, type Scenario, type Via } from './scenario.ts';
import { useStage } from './stage.ts';

const { scenarios } = parse(readFileSync(new URL('../../clients/scenarios.yaml', import.meta.url), 'utf8')) as {
  scenarios: readonly Scenario[];
};
const WAYS: readonly Via[] = ['with_key', 'transport'];

describe('every client', () => {
  const stage = useStage();
  test.each(scenarios.flatMap((scenario) => (scenario.via ?? WAYS).map((via) => ({ ...scenario, via }))))('$name ($via)', (scenario) =>
    play(stage, { ...scenario, via: [scenario.via] }, scenario.via),
  );
});
