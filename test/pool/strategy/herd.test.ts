import { expect, test } from 'vitest';
import { strategyByName } from '../../../src/pool/strategy/index.ts';
import { MINUTE } from '../../support/clock.ts';
import { aMinute } from '../../support/make.ts';
import { seededRandom } from '../../support/random.ts';
import { World } from '../../support/world.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];

/** How often each key is granted in thousands of ticks, in which a lease is taken and an older one ends. */
function grants(strategy: string, limits: ReturnType<typeof aMinute>, ticks: number) {
  const world = new World({ strategy: strategyByName(strategy)!, keys: IDS.map((id) => ({ id, limits })) });
  world.random = seededRandom(5);
  const counts = new Map(IDS.map((id) => [id, 0]));
  const out: ReturnType<World['lease']>[] = [];
  for (let tick = 0; tick < ticks; tick += 1) {
    const lease = world.lease({ ttlMs: MINUTE });
    counts.set(lease.keyId, counts.get(lease.keyId)! + 1);
    out.push(lease);
    if (out.length > 7) world.report(out.shift()!);
    world.advance(20);
  }
  return [...counts.values()];
}

test.each(['least_loaded', 'bottleneck', 'round_robin', 'weighted'])(
  'equal keys without known limits are granted equally often by %s',
  (strategy) => {
    const counts = grants(strategy, [], 4_000);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(5);
  },
);

test.each(['least_loaded', 'bottleneck', 'round_robin', 'weighted'])(
  'equal keys with equal limits are granted equally often by %s',
  (strategy) => {
    const counts = grants(strategy, aMinute({ requests: 1_000 }), 4_000);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.05);
  },
);

test.each(['random', 'power_of_two'])('equal keys are granted about equally often by %s', (strategy) => {
  const counts = grants(strategy, [], 4_000);
  expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.2);
});

test('a burst at one moment spreads over all keys alike', () => {
  const world = new World({ keys: IDS.map((id) => ({ id })) });
  const keys = Array.from({ length: 1_000 }, () => world.keyFor());
  expect(IDS.map((id) => keys.filter((key) => key === id).length)).toEqual([200, 200, 200, 200, 200]);
});
