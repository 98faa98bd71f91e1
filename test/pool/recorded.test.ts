/** Recorded responses of real providers, from the report to the state of the key. */
import { expect, test } from 'vitest';
import { provider as anthropic } from '../../src/provider/anthropic.ts';
import { provider as openai } from '../../src/provider/openai.ts';
import { ANTHROPIC_200, ANTHROPIC_429, ARRIVED, OPENAI_200, OPENAI_200_DAILY, OPENAI_429_BARE } from '../provider/responses.ts';
import { DAY, MINUTE, SECOND, START } from '../support/clock.ts';
import { World } from '../support/world.ts';

test('a 429 that asks to wait 16 seconds cools down for 16 seconds, not for the 63 of its full reset', () => {
  const world = new World({ provider: anthropic }, ARRIVED.anthropic429);
  const outcome = world.answer(world.lease({ modelClass: 'claude-sonnet-4' }), { status: 429, headers: ANTHROPIC_429 });
  expect(outcome).toMatchObject({
    judgement: { verdict: 'rate_limited' },
    scope: 'limit_group',
    until: ARRIVED.anthropic429 + 16 * SECOND,
  });
  expect(world.view('a', 'claude-sonnet-4')).toMatchObject({ state: 'cooldown', availableTime: ARRIVED.anthropic429 + 16 * SECOND });
  world.advance(16 * SECOND);
  expect(world.view('a', 'claude-sonnet-4').state).toBe('available');
  expect(world.ask({ modelClass: 'claude-sonnet-4', inputTokens: 50_000 }).kind).toBe('granted');
  expect(world.refusal({ modelClass: 'claude-sonnet-4', inputTokens: 50_000 }).kind).toBe('exhausted');
});

test('a 200 with a retry-after leaves its key healthy and full, without a cooldown', () => {
  const world = new World({ provider: anthropic }, ARRIVED.anthropic200);
  const outcome = world.answer(world.lease(), { headers: ANTHROPIC_200, used: { inputTokens: 10, outputTokens: 10 } });
  expect(outcome).toMatchObject({ judgement: { verdict: 'ok', waitMs: null }, scope: 'request', until: null, ignored: [] });
  expect(world.view()).toMatchObject({ state: 'available', availableTime: null });
  expect(world.view().limits.map(({ dimension, limit }) => [dimension, limit])).toEqual([
    ['input_tokens', 2_000_000],
    ['output_tokens', 400_000],
  ]);
  expect(world.view().score).toBeGreaterThan(0.999);
});

test('requests that are counted over a day are learnt as such, beside tokens a minute', () => {
  const world = new World({ provider: openai });
  world.answer(world.lease(), { headers: OPENAI_200_DAILY });
  expect(world.view().limits).toMatchObject([
    { dimension: 'requests', limit: 200, remaining: 197, windowMs: DAY },
    { dimension: 'tokens', limit: 40_000, remaining: 39_974, windowMs: MINUTE },
  ]);
});

test('requests that are counted over a minute are learnt as such', () => {
  const world = new World({ provider: openai }, ARRIVED.openai200);
  world.answer(world.lease(), { headers: OPENAI_200 });
  expect(world.view().limits).toMatchObject([
    { dimension: 'requests', limit: 5_000, remaining: 4_999, windowMs: MINUTE, resetTime: ARRIVED.openai200 + 12 },
    { dimension: 'tokens', limit: 2_000_000, remaining: 1_999_235, windowMs: MINUTE, resetTime: ARRIVED.openai200 + 22 },
  ]);
});

test('a 429 that says nothing more is a rate limit of the group, tried again soon', () => {
  const world = new World({ provider: openai });
  const outcome = world.answer(world.lease(), { status: 429, headers: OPENAI_429_BARE });
  expect(outcome).toMatchObject({ judgement: { verdict: 'rate_limited', waitMs: null }, scope: 'limit_group', until: START + SECOND });
  expect(world.view()).toMatchObject({ state: 'cooldown', limits: [] });
  expect(world.advance(SECOND).ask().kind).toBe('granted');
});
