import fc from 'fast-check';
import { expect, test } from 'vitest';
import { steadyClock } from '../../../src/store/clock.ts';
import { DAY, MINUTE, SECOND, START } from '../../support/clock.ts';
import { aMinute, makeObservation } from '../../support/make.ts';
import { World } from '../../support/world.ts';

const LIMIT = 10;
const ONE = { keys: [{ id: 'a', limits: aMinute({ requests: LIMIT }) }] };

type Step = 'acquire' | 'report' | 'release' | 'expire';
const step = fc.constantFrom<Step>('acquire', 'acquire', 'report', 'release', 'expire');

/** How many requests were granted and not given back. */
function granted(world: World, steps: readonly { readonly do: Step; readonly now: number }[]): number {
  const out: ReturnType<World['lease']>[] = [];
  let count = 0;
  for (const { do: what, now } of steps) {
    world.now = now;
    const outcome = what === 'acquire' ? world.ask() : undefined;
    if (outcome?.kind === 'granted') {
      out.push(outcome.lease);
      count += 1;
    }
    const lease = what === 'acquire' ? undefined : out.shift();
    if (lease === undefined || world.facts.lease(lease.id) === undefined) continue;
    if (what === 'report') world.report(lease);
    if (what === 'expire') world.end(lease, 'revoked');
    if (what === 'release') {
      world.end(lease, 'released');
      count -= 1;
    }
  }
  return count;
}

test('while the clock stands still nothing comes back, whatever is done', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 100 }), (steps) => {
      expect(
        granted(
          new World(ONE),
          steps.map((each) => ({ do: each, now: START })),
        ),
      ).toBeLessThanOrEqual(LIMIT);
    }),
    { numRuns: 200 },
  );
});

test('a wall clock that jumps between any two reads makes no room', () => {
  const jumps = fc.array(fc.tuple(step, fc.integer({ min: -DAY, max: DAY }), fc.integer({ min: 0, max: SECOND })), {
    minLength: 20,
    maxLength: 100,
  });
  fc.assert(
    fc.property(jumps, (each) => {
      let wall = START;
      let monotonic = 0;
      const clock = steadyClock(
        0,
        () => wall,
        () => monotonic,
      );
      const steps = each.map(([what, jumpMs, passesMs]) => {
        wall += jumpMs + passesMs;
        monotonic += passesMs;
        return { do: what, now: clock() };
      });
      expect(granted(new World(ONE), steps)).toBeLessThanOrEqual(LIMIT + Math.floor((monotonic * LIMIT) / MINUTE));
    }),
    { numRuns: 200 },
  );
});

test.each([
  { rule: 'ahead', skewMs: DAY },
  { rule: 'behind', skewMs: -DAY },
])('the clock of a caller that is a day $rule makes no room', ({ skewMs }) => {
  const world = new World(ONE);
  const lease = world.lease();
  for (let n = 0; n < 5; n += 1) world.lease();
  world.advance(SECOND);
  const observations = [makeObservation({ limit: LIMIT, remaining: 4, resetInMs: 36 * SECOND })];
  world.report(lease, { observations, requestTime: START + skewMs, responseTime: world.now + skewMs });
  expect(world.view().limits[0]!.remaining).toBe(4);
  expect(world.meters()[0]!.reserved).toBe(5);
  expect(world.refusal().kind).toBe('exhausted');
});
