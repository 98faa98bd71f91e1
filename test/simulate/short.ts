import { callsOf } from '../../src/simulate/load.ts';
import type { Call, Load, Scenario } from '../../src/simulate/scenario.ts';
import { parseScenario } from '../../src/simulate/scenario-file.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** A scenario file of two keys and a minute. */
export const PLAIN = `
duration: 1m
provider: { dialect: anthropic, limits: { requests: 60 } }
keys: 2
load: { rate: 1, input_tokens: { median: 100 }, output_tokens: { median: 50 } }
`;

/** What a scenario file says; throws where it has mistakes. */
export function scenarioOf(text: string, durationMs?: number): { scenario: Scenario; load: Load; calls: readonly Call[] } {
  const reading = parseScenario(text, 'test.yaml');
  if (!reading.ok) throw new Error(reading.mistakes.map(({ message }) => message).join('\n'));
  const scenario = { ...reading.scenario, durationMs: durationMs ?? reading.scenario.durationMs };
  return { scenario, load: reading.load, calls: callsOf(reading.load, scenario.durationMs, scenario.seed) };
}

/** A call of one token in, one out, that lasts a second. */
export function makeCall(call: Partial<Call> = {}): Call {
  return {
    ...{ number: 0, arrival: 0, holder: 'h', modelClass: '', estimatedInput: 1, estimatedOutput: 1, inputTokens: 1, outputTokens: 1 },
    ...{ lengthMs: SECOND, crashes: false, reportsLateByMs: 0, streams: false },
    ...call,
  };
}
