import { expect, test } from 'vitest';
import { Mirror } from '../../../src/store/redis/mirror.ts';
import { KINDS } from '../../../src/store/redis/touched.ts';
import { FRESH_POOL } from '../../../src/store/store.ts';
import { makeKey, makeLease, makeUsage } from '../records.ts';

const stood = makeLease({ id: 'stood', expireTime: 1 });

/** A key, a lease and what a model class uses, as the store has them. */
function loaded(): Mirror {
  const mirror = new Mirror('p');
  mirror.load(KINDS.keys, 'k1', 's0', makeKey({ version: 1 }));
  mirror.load(KINDS.leases, 'stood', '', stood);
  mirror.load(KINDS.usage, 'm', '', makeUsage(1));
  return mirror;
}

const confirmedIn = (mirror: Mirror) => [...mirror.confirmed()].map(({ kind, id, stamp, record }) => [kind, id, stamp, record]);

/** Two changes, of which the second rests on the first: the lease is renewed, then ended, another one comes, and usage is learnt twice. */
function changed(mirror: Mirror) {
  const usage = (inputMean: number) => ({ ...FRESH_POOL, usage: { m: makeUsage(inputMean) } });
  const first = { pool: 'p', keys: [makeKey({ version: 1 })], leases: [makeLease({ id: 'stood', expireTime: 2 })], state: usage(2) };
  const second = { pool: 'p', keys: [makeKey({ version: 2 })], leases: [makeLease({ id: 'new' })], ended: ['stood'], state: usage(3) };
  return [mirror.show(first, 's1')!, mirror.show(second, 's2')!] as const;
}

test('what is on its way is shown, and not taken for confirmed', () => {
  const mirror = loaded();
  const before = confirmedIn(mirror);
  changed(mirror);
  expect([...mirror.tables.leases.keys()]).toEqual(['new']);
  expect(mirror.tables.state.usage.m).toEqual(makeUsage(3));
  expect(confirmedIn(mirror)).toEqual(before);
});

test('what is confirmed is, up to the change that is confirmed', () => {
  const mirror = loaded();
  const [first, second] = changed(mirror);
  mirror.confirm(first);
  expect(confirmedIn(mirror)).toContainEqual([KINDS.leases, 'stood', '', { ...stood, expireTime: 2 }]);
  expect(confirmedIn(mirror)).toContainEqual([KINDS.usage, 'm', '', makeUsage(2)]);
  mirror.confirm(second);
  expect(confirmedIn(mirror).map(([kind, id]) => `${kind}${id}`)).toEqual(['4k1', '5g1', '6new', '8m']);
});

test('what is refused is as it was before, with all that rests on it', () => {
  const mirror = loaded();
  const before = confirmedIn(mirror);
  const [first, second] = changed(mirror);
  expect(mirror.refuse([first])).toEqual([first, second]);
  expect([...mirror.tables.leases.values()]).toEqual([stood]);
  expect(mirror.tables.state.usage.m).toEqual(makeUsage(1));
  expect(confirmedIn(mirror)).toEqual(before);
});
