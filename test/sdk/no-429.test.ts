import Anthropic from '@anthropic-ai/sdk';
import { expect, test } from 'vitest';
import { useStage } from '../client/stage.ts';
import { leasedProgram } from './support.ts';

const stage = useStage();

const CALLS = 200;
/** Of each key's organization, a minute: four of them are just enough, if no key gets more than its part. */
const LIMITS = { requests: 52, input_tokens: 30_000, output_tokens: 30_000 };
const KEYS = 4;
const QUESTION = { model: 'claude-sonnet-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'word'.repeat(16) }] };

/** The program: so many calls at once, by an SDK that does not retry. Answers how many ended in which status. */
async function program(options: { apiKey: string; fetch?: typeof fetch }): Promise<Record<string, number>> {
  const anthropic = new Anthropic({ ...options, baseURL: stage.provider, maxRetries: 0 });
  const calls = await Promise.allSettled(Array.from({ length: CALLS }, () => anthropic.messages.create(QUESTION)));
  const statuses = calls.map((call) => (call.status === 'fulfilled' ? '200' : String((call.reason as { status?: number }).status)));
  return Object.fromEntries(Object.entries(Object.groupBy(statuses, (status) => status)).map(([status, all]) => [status, all!.length]));
}

test('200 calls at once over four keys finish and see no 429, where the same program with one key does', async () => {
  const { fetch } = await leasedProgram(stage, { provider: 'anthropic', keys: KEYS, limits: LIMITS }, { limits: LIMITS, latency_ms: 50 });
  expect(await program({ apiKey: 'unused', fetch })).toEqual({ 200: CALLS });
  expect(await stage.departures({ server: { leases_active: 0 } })).toEqual([]);
  const { provider } = await stage.state();
  expect(provider.requests.filter(({ status }) => status !== 200)).toEqual([]);

  await leasedProgram(stage, { provider: 'anthropic' }, { limits: LIMITS, latency_ms: 50 });
  const alone = await program({ apiKey: 'secret-of-alone' });
  expect(alone['429']).toBeGreaterThan(CALLS / 2);
});
