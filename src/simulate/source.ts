import { formatMistake } from '../config/mistake.ts';
import { callsOf } from './load.ts';
import { type Call, type Scenario, withKeys } from './scenario.ts';
import { parseScenario } from './scenario-file.ts';
import { parseTrace } from './trace.ts';

/** What of a file is played differently; left out: as the file says. */
export interface Overrides {
  readonly keys?: number;
  readonly seed?: number;
  readonly hours?: number;
}

/** What is to be played, or every mistake in its file as a line for people. */
export type Source =
  | { readonly ok: true; readonly scenario: Scenario; readonly calls: readonly Call[] }
  | { readonly ok: false; readonly mistakes: readonly string[] };

const HOUR_MS = 3_600_000;

/** Reads a scenario, or a trace where the name of the file ends in `.jsonl`. A trace is never longer than it was recorded. */
export function readSource(text: string, fileName: string, { keys, seed, hours }: Overrides): Source {
  const changed = (scenario: Scenario, durationMs: number): Scenario => {
    const as = { ...scenario, durationMs, seed: seed ?? scenario.seed };
    return keys === undefined ? as : withKeys(as, keys);
  };
  const wantedMs = hours === undefined ? undefined : Math.round(hours * HOUR_MS);
  if (fileName.endsWith('.jsonl')) {
    const trace = parseTrace(text, fileName);
    if (!trace.ok) return trace;
    return {
      ok: true,
      calls: trace.calls,
      scenario: changed(trace.scenario, Math.min(wantedMs ?? Number.POSITIVE_INFINITY, trace.scenario.durationMs)),
    };
  }
  const file = parseScenario(text, fileName);
  if (!file.ok) return { ok: false, mistakes: file.mistakes.map(formatMistake) };
  const scenario = changed(file.scenario, wantedMs ?? file.scenario.durationMs);
  return { ok: true, scenario, calls: callsOf(file.load, scenario.durationMs, scenario.seed) };
}
