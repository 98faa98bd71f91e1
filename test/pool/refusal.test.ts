import { expect, test } from 'vitest';
import type { Refusal } from '../../src/pool/refusal.ts';
import { HOUR, SECOND, START } from '../support/clock.ts';
import { aMinute, makeObservation } from '../support/make.ts';
import { World } from '../support/world.ts';

const LIMITS = aMinute({ requests: 60, input_tokens: 6_000 });

test.each<{
  rule: string;
  keys: NonNullable<ConstructorParameters<typeof World>[0]>['keys'];
  before: (world: World) => void;
  ask?: Parameters<World['ask']>[0];
  refusal: Refusal;
}>([
  {
    rule: 'every key is out: unhealthy or draining',
    keys: [{ id: 'a' }, { id: 'b' }],
    before: (world) => {
      world.mark('a', 'billing');
      world.drain('b');
    },
    refusal: { kind: 'no_healthy_keys', counts: { keys: 2, cooldown: 0, unhealthy: 1, draining: 1, excluded: 0, noRoom: 0 } },
  },
  {
    rule: 'one key is out, the other cools down: it comes back',
    keys: [{ id: 'a' }, { id: 'b' }],
    before: (world) => {
      world.mark('a', 'operator');
      world.mark('b', 'rate_limited', { cooldownMs: 9 * SECOND });
    },
    refusal: {
      kind: 'exhausted',
      retryTime: START + 9 * SECOND,
      counts: { keys: 2, cooldown: 1, unhealthy: 1, draining: 0, excluded: 0, noRoom: 0 },
    },
  },
  {
    rule: 'the demand is more than any key can ever take: each says by how much',
    keys: [
      { id: 'a', limits: LIMITS },
      { id: 'b', limits: aMinute({ requests: 2 }) },
    ],
    before: () => {},
    ask: { requests: 3, inputTokens: 6_001 },
    refusal: {
      kind: 'demand_exceeds_limit',
      exceeded: [
        { keyId: 'a', dimension: 'input_tokens', limit: 6_000, demand: 6_001 },
        { keyId: 'b', dimension: 'requests', limit: 2, demand: 3 },
      ],
      counts: { keys: 2, cooldown: 0, unhealthy: 0, draining: 0, excluded: 0, noRoom: 2 },
    },
  },
  {
    rule: 'a demand that only a key in cooldown can take is worth waiting for',
    keys: [{ id: 'a', limits: LIMITS }, { id: 'b' }],
    before: (world) => world.mark('b', 'rate_limited', { cooldownMs: HOUR }),
    ask: { inputTokens: 6_001 },
    refusal: {
      kind: 'exhausted',
      retryTime: START + HOUR,
      counts: { keys: 2, cooldown: 1, unhealthy: 0, draining: 0, excluded: 0, noRoom: 1 },
    },
  },
  {
    rule: 'a demand that only a key without an end can take has no moment',
    keys: [{ id: 'a', limits: LIMITS }, { id: 'b' }],
    before: (world) => world.mark('b', 'operator'),
    ask: { inputTokens: 6_001 },
    refusal: { kind: 'exhausted', retryTime: null, counts: { keys: 2, cooldown: 0, unhealthy: 1, draining: 0, excluded: 0, noRoom: 1 } },
  },
  {
    rule: 'the caller excludes every key: no moment helps',
    keys: [{ id: 'a' }, { id: 'b' }],
    before: () => {},
    ask: { excluded: new Set(['a', 'b']) },
    refusal: { kind: 'exhausted', retryTime: null, counts: { keys: 2, cooldown: 0, unhealthy: 0, draining: 0, excluded: 2, noRoom: 0 } },
  },
  {
    rule: 'no key has room: the earliest one tells the moment',
    keys: [
      { id: 'a', leasesMax: 1 },
      { id: 'b', limits: LIMITS },
    ],
    before: (world) => {
      world.lease({ excluded: new Set(['b']), ttlMs: 50 * SECOND });
      world.report(world.lease({ excluded: new Set(['a']) }), {
        observations: [makeObservation({ remaining: 0, resetInMs: 60 * SECOND })],
      });
    },
    refusal: {
      kind: 'exhausted',
      retryTime: START + SECOND,
      counts: { keys: 2, cooldown: 0, unhealthy: 0, draining: 0, excluded: 0, noRoom: 2 },
    },
  },
])('$rule', ({ keys = [], before, ask, refusal }) => {
  const world = new World({ keys });
  before(world);
  expect(world.refusal(ask)).toEqual(refusal);
});
