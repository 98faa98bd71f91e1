import { describe, expect, test } from 'vitest';
import { MINUTE, SECOND } from '../support/clock.ts';
import { aMinute, makeObservation, makeReading } from '../support/make.ts';
import { World } from '../support/world.ts';

const RATE_LIMITED = { judgement: { verdict: 'rate_limited', scope: 'key', waitMs: 100 }, status: 429 } as const;

/** A world in which `count` leases of one key are under way, and nothing is known of its limits. */
function busy(count: number) {
  const world = new World();
  return { world, leases: Array.from({ length: count }, () => world.lease()) };
}

describe('where the provider tells no limit', () => {
  test('nothing limits how many leases are under way before a refusal', () => {
    expect(busy(500).world.view().concurrency).toEqual([]);
  });

  test('a refusal cuts what was under way by a fifth', () => {
    const { world, leases } = busy(20);
    world.report(leases[0]!, RATE_LIMITED);
    expect(world.view().concurrency).toEqual([{ modelClass: '', limit: 16, underWay: 19 }]);
  });

  test('no more than that are leased, until enough are over', () => {
    const { world, leases } = busy(20);
    world.report(leases[0]!, RATE_LIMITED);
    world.advance(SECOND);
    for (const lease of leases.slice(1, 4)) world.report(lease);
    expect(world.refusal()).toMatchObject({ kind: 'exhausted', counts: { noRoom: 1 }, retryTime: world.now - SECOND + MINUTE });
    world.report(leases[4]!);
    expect(world.keyFor()).toBe('a');
  });

  test('refusals of calls that were sent before the cut belong to it', () => {
    const { world, leases } = busy(20);
    world.advance(SECOND);
    for (const lease of leases.slice(0, 5)) world.report(lease, RATE_LIMITED);
    expect(world.view().concurrency).toMatchObject([{ limit: 16 }]);
  });

  test('a refusal of a call that was sent after the cut cuts again, and never below one', () => {
    const { world, leases } = busy(6);
    world.report(leases[0]!, RATE_LIMITED);
    for (const lease of leases.slice(1)) world.report(lease);
    for (let round = 0; round < 20; round += 1) world.advance(SECOND).report(world.lease(), RATE_LIMITED);
    expect(world.view().concurrency).toMatchObject([{ limit: 1 }]);
    expect(world.advance(SECOND).keyFor()).toBe('a');
  });

  test('four rounds of successes of a busy key add one', () => {
    const { world, leases } = busy(5);
    world.report(leases[0]!, RATE_LIMITED);
    const underWay = leases.slice(1);
    world.advance(SECOND);
    const succeed = (times: number) => {
      for (let success = 0; success < times; success += 1) {
        world.report(underWay.shift()!);
        underWay.push(world.lease());
      }
    };
    succeed(15);
    expect(world.view().concurrency).toMatchObject([{ limit: 4 }]);
    succeed(4);
    expect(world.view().concurrency).toMatchObject([{ limit: 5 }]);
  });

  test('successes of a key that is not busy say nothing', () => {
    const { world, leases } = busy(20);
    world.report(leases[0]!, RATE_LIMITED);
    for (const lease of leases.slice(1)) world.end(lease, 'released');
    world.advance(SECOND);
    for (let call = 0; call < 200; call += 1) world.report(world.lease());
    expect(world.view().concurrency).toMatchObject([{ limit: 16 }]);
  });

  test('each model class has its own', () => {
    const world = new World();
    const [first] = Array.from({ length: 2 }, () => world.lease({ modelClass: 'opus' }));
    world.report(first!, RATE_LIMITED);
    world.advance(SECOND);
    expect(world.keyFor({ modelClass: 'opus' })).toBeUndefined();
    expect(world.keyFor({ modelClass: 'sonnet' })).toBe('a');
  });
});

test('a limit that is told takes the place of what was learnt', () => {
  const { world, leases } = busy(4);
  world.report(leases[0]!, RATE_LIMITED);
  const told = makeObservation({ dimension: 'requests', limit: 1_000, remaining: 900, resetInMs: 6 * SECOND });
  world.advance(SECOND).report(leases[1]!, { reading: makeReading({ observations: [told] }) });
  expect(world.view().concurrency).toEqual([]);
});

test('a configured limit leaves nothing to learn', () => {
  const world = new World({ keys: [{ id: 'a', limits: aMinute({ requests: 100 }) }] });
  const leases = Array.from({ length: 8 }, () => world.lease());
  world.report(leases[0]!, RATE_LIMITED);
  expect(world.view().concurrency).toEqual([]);
});
