import type { Judgement, Observation } from '../../src/pool/upstream.ts';
import { observationsInBody } from '../../src/provider/body-reading.ts';
import { providerByName } from '../../src/provider/index.ts';
import { judge } from '../../src/provider/judge.ts';
import type { randomAnswer } from './random-answer.ts';

/** Everything that a provider makes of an answer, as the service does. */
export function readAll(
  name: string,
  told: ReturnType<typeof randomAnswer>,
): { observations: readonly Observation[]; judgement: Judgement; numbers: readonly number[] } {
  const provider = providerByName(name)!;
  const reading = provider.readHeaders(told.headers, told.responseTime);
  const answer = { ...told, retryAfterMs: reading.retryAfterMs };
  const judgement = judge(provider, answer);
  const observations = [...reading.observations, ...observationsInBody(provider, answer)];
  const numbers = observations.flatMap(({ limit, remaining, resetInMs, windowMs }) => [limit, remaining, resetInMs, windowMs]);
  return { observations, judgement, numbers: [...numbers, reading.retryAfterMs, judgement.waitMs].filter((number) => number !== null) };
}

/** Whether no number could break the arithmetic of a meter: finite, not negative, and no window or wait without length. */
export function isSane({ observations, judgement, numbers }: ReturnType<typeof readAll>): boolean {
  const spans = [...observations.map(({ windowMs }) => windowMs), judgement.waitMs];
  return numbers.every((number) => Number.isFinite(number) && number >= 0) && spans.every((span) => span !== 0);
}
