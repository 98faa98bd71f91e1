/** What a pool learns from Anthropic's rate-limit headers, from the report to the next grant. */
import { describe, expect, test } from 'vitest';
import { strategyByName } from '../../src/pool/strategy/index.ts';
import { provider } from '../../src/provider/anthropic.ts';
import { MINUTE, SECOND, START } from '../support/clock.ts';
import { World } from '../support/world.ts';

const NAMES = ['requests', 'input-tokens', 'output-tokens'] as const;

/** The nine headers, each limit given as [limit, remaining, seconds until it is full]. */
function headers(now: number, each: Partial<Record<(typeof NAMES)[number], readonly [number | string, number | string, number]>>) {
  const lines = NAMES.flatMap((name): [string, string][] => {
    const [limit, remaining, seconds] = each[name] ?? [];
    if (limit === undefined || remaining === undefined || seconds === undefined) return [];
    const reset = new Date(now + seconds * SECOND).toISOString().replace('.000', '');
    const of = (what: string) => `anthropic-ratelimit-${name}-${what}`;
    return [
      [of('limit'), `${limit}`],
      [of('remaining'), `${remaining}`],
      [of('reset'), reset],
    ];
  });
  return new Map(lines);
}

const requests = (now: number, remaining: number, seconds: number) => ({ headers: headers(now, { requests: [60, remaining, seconds] }) });
const TWO = { provider, keys: [{ id: 'a' }, { id: 'b' }] };
const only = (keyId: 'a' | 'b') => ({ excluded: new Set([keyId === 'a' ? 'b' : 'a']) });

test('limit, remaining and reset of requests, input and output are learnt from the nine headers', () => {
  const world = new World({ provider });
  world.answer(world.lease(), {
    headers: headers(START, { requests: [50, 49, 2], 'input-tokens': [30_000, 28_000, 4], 'output-tokens': [8_000, 7_000, 8] }),
  });
  expect(world.view().limits).toMatchObject([
    { dimension: 'requests', limit: 50, remaining: 49, resetTime: START + 2 * SECOND, windowMs: MINUTE, source: 'learned' },
    { dimension: 'input_tokens', limit: 30_000, remaining: 28_000, resetTime: START + 4 * SECOND, windowMs: MINUTE, source: 'learned' },
    { dimension: 'output_tokens', limit: 8_000, remaining: 7_000, resetTime: START + 8 * SECOND, windowMs: MINUTE, source: 'learned' },
  ]);
});

test.each(['', 'many', '-', '1e309', 'NaN', '0x10', '90071992547409930', 'Infinity', '10, 20'])(
  'a remaining of "%s" is ignored, told as such, and what was known stays',
  (text) => {
    const world = new World({ provider });
    world.answer(world.lease(), requests(START, 20, 40));
    const outcome = world.answer(world.lease(), { headers: headers(START, { requests: [60, text, 40] }) });
    expect(outcome.ignored.map(({ name }) => name)).toEqual(['anthropic-ratelimit-requests-remaining']);
    expect(world.view().limits[0]).toMatchObject({ limit: 60 });
    expect(world.view().limits[0]!.remaining).toBeLessThanOrEqual(20);
  },
);

describe.each(['least_loaded', 'round_robin'])('%s', (strategy) => {
  const pool = { ...TWO, strategy: strategyByName(strategy)! };

  test('passes over an unhealthy key', () => {
    const world = new World(pool);
    world.answer(world.lease(only('a')), { status: 401, headers: new Map() });
    expect(Array.from({ length: 6 }, () => world.keyFor())).toEqual(Array(6).fill('b'));
  });

  test('passes over a cooling key, and takes it again when its cooldown is over', () => {
    const world = new World(pool);
    world.answer(world.lease(only('a')), { status: 429, headers: new Map([['retry-after', '30']]) });
    expect(Array.from({ length: 6 }, () => world.keyFor())).toEqual(Array(6).fill('b'));
    world.advance(30 * SECOND);
    expect(new Set(Array.from({ length: 6 }, () => world.keyFor()))).toContain('a');
  });

  test('passes over a key with 0 remaining', () => {
    const world = new World(pool);
    world.answer(world.lease(only('a')), requests(START, 0, 60));
    expect(Array.from({ length: 6 }, () => world.keyFor())).toEqual(Array(6).fill('b'));
  });

  test('does not send all that ties to the first key', () => {
    const world = new World(pool);
    const keys = Array.from({ length: 100 }, () => world.keyFor());
    expect(keys.filter((key) => key === 'a')).toHaveLength(50);
  });
});

test('that all keys are exhausted is a refusal of its own, with the moment to ask again', () => {
  const world = new World(TWO);
  world.answer(world.lease(only('a')), requests(START, 0, 60));
  world.answer(world.lease(only('b')), { status: 429, headers: new Map([['retry-after', '30']]) });
  expect(world.refusal()).toEqual({
    kind: 'exhausted',
    retryTime: START + SECOND,
    counts: { keys: 2, cooldown: 1, unhealthy: 0, draining: 0, excluded: 0, noRoom: 1 },
  });
});

test('a report never refills a limit: what it says is what there is', () => {
  const world = new World({ provider });
  world.answer(world.lease(), requests(START, 1, 59));
  const lease = world.lease();
  expect(world.refusal().kind).toBe('exhausted');
  world.answer(lease, requests(START, 0, 60));
  expect(world.refusal()).toMatchObject({ kind: 'exhausted', retryTime: START + SECOND });
});

test('a drained key comes back at its reset, without any traffic', () => {
  const world = new World({ provider });
  world.answer(world.lease(), requests(START, 0, 60));
  expect(world.refusal({ requests: 60 })).toMatchObject({ retryTime: START + MINUTE });
  world.advance(MINUTE);
  expect(world.view()).toMatchObject({ score: 1, limits: [{ remaining: 60, resetTime: null }] });
  expect(world.ask({ requests: 60 }).kind).toBe('granted');
});

test('an old response does not overwrite a newer one', () => {
  const world = new World({ provider });
  const [slow, quick] = [world.lease(), world.lease()];
  const told = (remaining: number, requestTime: number, responseTime: number) => ({
    reading: provider.readHeaders(requests(responseTime, remaining, 60 - remaining).headers, responseTime),
    requestTime,
    responseTime,
  });
  world.advance(10 * SECOND);
  world.report(quick, told(2, START + 5 * SECOND, START + 6 * SECOND));
  const before = world.view().limits;
  world.report(slow, told(50, START + SECOND, START + 2 * SECOND));
  expect(world.view().limits[0]!.remaining).toBeLessThanOrEqual(before[0]!.remaining);
});

test('two models on one key do not overwrite each other', () => {
  const world = new World({ provider });
  world.answer(world.lease({ modelClass: 'claude-opus-5' }), requests(START, 0, 60));
  world.answer(world.lease({ modelClass: 'claude-haiku-4-5' }), requests(START, 59, 1));
  expect(world.view().limits).toMatchObject([
    { modelClass: 'claude-opus-5', remaining: 0 },
    { modelClass: 'claude-haiku-4-5', remaining: 59 },
  ]);
  expect(world.ask({ modelClass: 'claude-opus-5' }).kind).toBe('exhausted');
  expect(world.ask({ modelClass: 'claude-haiku-4-5' }).kind).toBe('granted');
});
