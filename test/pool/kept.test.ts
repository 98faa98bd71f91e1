import { expect, test } from 'vitest';
import { acquireBeside, keptFor } from '../../src/pool/kept.ts';
import { aMinute, makeAsk } from '../support/make.ts';
import { noChance } from '../support/random.ts';
import { World } from '../support/world.ts';

/** Buckets of 60 requests a minute, of which so many are held on each key. */
function worldOf(held: Readonly<Record<string, number>>, keys: readonly { id: string; limitGroup?: string }[]): World {
  const world = new World({ keys: keys.map((key) => ({ ...key, limits: aMinute({ requests: 60 }) })) });
  for (const [id, requests] of Object.entries(held)) {
    const excluded = new Set(keys.map((key) => key.id).filter((other) => other !== id));
    world.end(world.lease({ requests, excluded }), 'revoked');
  }
  return world;
}

const alone = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];

test.each<{ rule: string; world: World; ask: Parameters<typeof makeAsk>[0]; kept: string[] }>([
  {
    rule: 'the key on which the demand fits first is kept, and no other',
    world: worldOf({ a: 60, b: 50, c: 55 }, alone),
    ask: { requests: 20 },
    kept: ['b'],
  },
  {
    rule: 'a key that is not wanted is not kept',
    world: worldOf({ a: 60, b: 50, c: 55 }, alone),
    ask: { requests: 20, excluded: new Set(['b']) },
    kept: ['c'],
  },
  {
    rule: 'with a key those are kept that draw on the same allowance, wanted or not',
    world: worldOf({ a: 60, c: 60 }, [{ id: 'a', limitGroup: 'g' }, { id: 'b', limitGroup: 'g' }, { id: 'c' }]),
    ask: { requests: 20, excluded: new Set(['b', 'c']) },
    kept: ['a', 'b'],
  },
  {
    rule: 'a key whose limit the demand exceeds is not kept',
    world: worldOf({ a: 60, b: 60, c: 60 }, alone),
    ask: { requests: 61 },
    kept: [],
  },
  {
    rule: 'where no key can ever be used nothing is kept',
    world: worldOf({}, alone),
    ask: { excluded: new Set(['a', 'b', 'c']) },
    kept: [],
  },
])('$rule', ({ world, ask, kept }) => {
  expect(keptFor(world.facts, makeAsk(ask))).toEqual(kept);
});

test('beside what is kept a key is leased, and where nothing is beside it none is', () => {
  const world = worldOf({ a: 60, b: 50, c: 55 }, alone);
  const chance = { random: noChance, mintLeaseId: () => 'lease' };
  const waiting = makeAsk({ requests: 20 });
  const beside = (ask: Parameters<typeof makeAsk>[0]) => acquireBeside(world.facts, makeAsk(ask), waiting, chance).outcome;
  expect(beside({ requests: 5 })).toMatchObject({ kind: 'granted', lease: { keyId: 'c' } });
  expect(beside({ requests: 6 })).toMatchObject({ kind: 'exhausted' });
});
