import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AcquireRequest } from '../../../src/pool/acquire.ts';
import { DAY, HOUR, SECOND } from '../../support/clock.ts';
import { makeObservation } from '../../support/make.ts';
import type { World } from '../../support/world.ts';
import { acquire, ask, type Command, commands, History, report } from './history.ts';

type Ask = Parameters<World['ask']>[0];

const MONTH = { windowMs: null, resetInMs: 35 * DAY };
const ONLY_A = { inputTokens: null, outputTokens: null, modelClass: 'opus', excluded: new Set(['b', 'c']) };

/** Refusals whose moment was once a rounding error away, or never came. */
const KNOWN: [Command[], Partial<AcquireRequest>][] = [
  [
    [
      acquire({ outputTokens: 1, ttlMs: 57_457 }),
      acquire({ outputTokens: 64, ttlMs: 53_864 }),
      acquire({ outputTokens: 40 }),
      { do: 'reload', pool: 2 },
    ],
    { outputTokens: null },
  ],
  [[acquire({ modelClass: 'opus' }), report({ observations: [makeObservation({ ...MONTH, limit: 3, remaining: 0 })] })], ONLY_A],
  [
    [
      acquire({ modelClass: 'opus', outputTokens: 101 }),
      acquire({}),
      acquire({ affinity: 'chat' }),
      report({ account: 'other', inProgress: true }, 2),
      report({ account: 'other' }),
    ],
    { modelClass: 'opus', outputTokens: 101, excluded: new Set(['b', 'c']) },
  ],
  [
    [
      acquire({ modelClass: 'opus', outputTokens: 10, ttlMs: 8_869 }),
      report({ inProgress: true, observations: [makeObservation({ ...MONTH, dimension: 'output_tokens', limit: 18, remaining: 2 })] }),
    ],
    ONLY_A,
  ],
];

/** What the same acquire gets in a world in which nothing happens until then but what is due. */
function kindAt(world: World, time: number, asked: Ask): string {
  const then = world.fork();
  then.now = time;
  return then.ask(asked).kind;
}

/** The refusal at the end of a history; undefined: it was granted. */
function refusalAfter(all: readonly Command[], asked: Ask) {
  const history = new History();
  for (const command of all) history.run(command);
  const outcome = history.world.fork().ask(asked);
  return outcome.kind === 'exhausted' ? { world: history.world, retryTime: outcome.retryTime } : undefined;
}

test('the retry time of a refusal is exact: refused a millisecond before it, granted at it', () => {
  const tally = { exact: 0 };
  fc.assert(
    fc.property(commands, ask, (all, asked) => {
      const refused = refusalAfter(all, asked);
      fc.pre(refused !== undefined && refused.retryTime !== null);
      const { world, retryTime } = refused as { world: World; retryTime: number };
      tally.exact += 1;
      expect(retryTime).toBeGreaterThan(world.now);
      expect([kindAt(world, retryTime - 1, asked), kindAt(world, retryTime, asked)]).toEqual([
        expect.not.stringMatching('granted'),
        'granted',
      ]);
    }),
    { numRuns: 300, maxSkipsPerRun: 100, examples: KNOWN },
  );
  expect(tally.exact).toBe(300);
});

test('between a refusal and its retry time the same acquire is refused at every moment', () => {
  fc.assert(
    fc.property(commands, ask, fc.double({ min: 0, max: 1, noNaN: true }), (all, asked, share) => {
      const refused = refusalAfter(all, asked);
      fc.pre(refused !== undefined && refused.retryTime !== null);
      const { world, retryTime } = refused as { world: World; retryTime: number };
      const between = world.now + Math.floor((retryTime - world.now) * share * 0.999999);
      expect(kindAt(world, Math.min(between, retryTime - 1), asked)).not.toBe('granted');
    }),
    { numRuns: 300, maxSkipsPerRun: 100 },
  );
});

test('a refusal without a retry time is refused for two days', () => {
  fc.assert(
    fc.property(commands, ask, (all, asked) => {
      const refused = refusalAfter(all, asked);
      fc.pre(refused !== undefined && refused.retryTime === null);
      const { world } = refused as { world: World };
      const ends = [...world.facts.leases()].map(({ expireTime }) => expireTime);
      const hours = Array.from({ length: 48 }, (_, n) => world.now + (n + 1) * HOUR);
      const moments = [world.now + 1, world.now + SECOND, ...ends, ...hours, world.now + 2 * DAY];
      expect(moments.filter((time) => kindAt(world, time, asked) === 'granted')).toEqual([]);
    }),
    { numRuns: 100, maxSkipsPerRun: 1_000 },
  );
});
