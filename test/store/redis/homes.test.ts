import { expect, test } from 'vitest';
import { Homes } from '../../../src/store/redis/homes.ts';

const REPLICAS = ['a', 'b', 'c'];
const GROUPS = Array.from({ length: 300 }, (_, n) => `group-${n}`);

/** Each of these replicas, all of which have met all of them and have just had a conflict. */
function contending(alive: readonly string[], now = 0): Map<string, Homes> {
  return new Map(
    alive.map((id) => {
      const homes = new Homes(id);
      homes.meet(
        alive.map((other) => [other, now] as const),
        now,
      );
      homes.noteConflict(now);
      return [id, homes];
    }),
  );
}

const homeOf = (all: ReadonlyMap<string, Homes>, group: string) => [...all].filter(([, homes]) => homes.at(0)?.(group)).map(([id]) => id);

test('every limit group is at home with one replica, and each replica has its share', () => {
  const all = contending(REPLICAS);
  const homes = GROUPS.map((group) => homeOf(all, group));
  expect(homes.every((at) => at.length === 1)).toBe(true);
  for (const id of REPLICAS) expect(homes.filter(([at]) => at === id).length).toBeGreaterThan(GROUPS.length / 6);
});

test('when a replica goes only its limit groups move', () => {
  const [before, after] = [contending(REPLICAS), contending(['a', 'b'])];
  const moved = GROUPS.filter((group) => homeOf(before, group)[0] !== homeOf(after, group)[0]);
  expect(moved).toEqual(GROUPS.filter((group) => homeOf(before, group)[0] === 'c'));
});

test('without a conflict for five seconds any limit group is as good as another', () => {
  const homes = contending(REPLICAS).get('a');
  expect([homes?.at(4_999) === undefined, homes?.at(5_000) === undefined]).toEqual([false, true]);
});

test('a replica alone, or one whose fellows gave no sign of life for ten seconds, keeps to nothing', () => {
  const homes = new Homes('a');
  homes.noteConflict(10_000);
  expect(homes.at(1)).toBeUndefined();
  homes.meet([['a', 10_500], ['b', 501]], 10_501); // biome-ignore format: one row
  expect(homes.at(10_501)).toBeDefined();
  homes.meet([['a', 10_500], ['b', 500]], 10_501); // biome-ignore format: one row
  expect(homes.at(10_501)).toBeUndefined();
});

test('a replica that is heard of has its share at once, and keeps it as its signs of life go on', () => {
  const homes = new Homes('a');
  homes.meet([['a', 0]], 0);
  homes.noteConflict(0);
  homes.hear('b');
  const heard = GROUPS.filter((group) => homes.at(1)?.(group));
  homes.meet([['a', 900], ['b', 800]], 1_000); // biome-ignore format: one row
  expect(heard.length).toBeGreaterThan(0);
  expect(GROUPS.filter((group) => homes.at(1_000)?.(group))).toEqual(heard);
});
