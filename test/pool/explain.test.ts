import { expect, test } from 'vitest';
import { explain } from '../../src/pool/explain.ts';
import { strategyByName } from '../../src/pool/strategy/index.ts';
import { MINUTE, SECOND, START } from '../support/clock.ts';
import { aMinute, makeAsk } from '../support/make.ts';
import { noChance } from '../support/random.ts';
import { World } from '../support/world.ts';

const LIMITS = aMinute({ requests: 2, input_tokens: 100 });

test('each key is explained: why it is passed over, what binds, when it has room', () => {
  const world = new World({ keys: [{ id: 'full', limits: LIMITS }, { id: 'cool' }, { id: 'free', limits: LIMITS }] });
  const others = { excluded: new Set(['free', 'cool']) };
  world.report(world.lease({ ...others, inputTokens: 100 }));
  world.mark('cool', 'rate_limited', { cooldownMs: MINUTE });
  const { keys, chosenKeyId, refusal, wanted } = explain(world.facts, makeAsk({ inputTokens: 50 }), noChance);
  expect(keys.map(({ config, passedOver, binding, roomTime }) => [config.id, passedOver, binding?.dimension, roomTime])).toEqual([
    ['full', 'no_room', 'input_tokens', START + 30 * SECOND],
    ['cool', 'cooldown', undefined, START + MINUTE],
    ['free', null, 'requests', null],
  ]);
  expect(keys.map(({ score }) => score)).toEqual([0.25, 1, 1]);
  expect([chosenKeyId, refusal, wanted.inputTokens]).toEqual(['free', null, 50]);
});

test('the choice is the one that an acquire would make', () => {
  const world = new World({ strategy: strategyByName('round_robin')!, keys: [{ id: 'a' }, { id: 'b' }] });
  for (let n = 0; n < 4; n += 1) expect(explain(world.facts, makeAsk(), noChance).chosenKeyId).toBe(world.keyFor());
});

test('a refusal is the one that an acquire would give', () => {
  const world = new World({ keys: [{ id: 'a', limits: LIMITS }] });
  const ask = makeAsk({ requests: 3 });
  expect(explain(world.facts, ask, noChance)).toMatchObject({ chosenKeyId: null, refusal: world.refusal(ask) });
});

test('a request id that was used before is explained like any other', () => {
  const world = new World();
  world.lease({ requestId: 'r' });
  expect(explain(world.facts, makeAsk({ requestId: 'r', contentHash: 'another' }), noChance).chosenKeyId).toBe('a');
});

test('nothing changes', () => {
  const world = new World({ keys: [{ id: 'a', limits: LIMITS }] });
  world.lease();
  const before = JSON.stringify([world.key(), world.group(), world.facts.state]);
  explain(world.facts, makeAsk(), noChance);
  expect(JSON.stringify([world.key(), world.group(), world.facts.state])).toBe(before);
});
