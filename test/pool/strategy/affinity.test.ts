import { expect, test } from 'vitest';
import { favourite } from '../../../src/pool/strategy/affinity.ts';
import { makeCandidate } from '../../support/make.ts';

const keys = (...ids: string[]) => ids.map((id) => makeCandidate({ key: { id } }));
const affinities = Array.from({ length: 3_000 }, (_, n) => `conversation ${n}`);
const homes = (ids: readonly string[]) => affinities.map((affinity) => favourite(keys(...ids), affinity).key.id);
const share = (each: readonly string[], id: string) => each.filter((home) => home === id).length / each.length;

test('an affinity always favours the same key, in whatever order the keys come', () => {
  expect(homes(['a', 'b', 'c'])).toEqual(homes(['c', 'a', 'b']));
});

test('affinities spread evenly over keys of one weight', () => {
  const each = homes(['a', 'b', 'c', 'd']);
  for (const id of ['a', 'b', 'c', 'd']) expect(Math.abs(share(each, id) - 0.25)).toBeLessThan(0.03);
});

test('a key of three times the weight is the favourite of three times as many', () => {
  const weighted = [makeCandidate({ key: { id: 'a', weight: 3 } }), makeCandidate({ key: { id: 'b' } })];
  const each = affinities.map((affinity) => favourite(weighted, affinity).key.id);
  expect(Math.abs(share(each, 'a') - 0.75)).toBeLessThan(0.03);
});

test('when a key drops out only its own affinities move, and they move to all others', () => {
  const [before, after] = [homes(['a', 'b', 'c', 'd']), homes(['a', 'b', 'd'])];
  const moved = affinities.map((_, n) => n).filter((n) => before[n] !== after[n]);
  expect(moved.every((n) => before[n] === 'c')).toBe(true);
  expect(new Set(moved.map((n) => after[n]))).toEqual(new Set(['a', 'b', 'd']));
});

test('when a key comes back its affinities return', () => {
  expect(homes(['a', 'b', 'c', 'd'])).toEqual(homes(['d', 'c', 'b', 'a']));
});

test('affinities of any text are good ones', () => {
  for (const affinity of ['\u0000', '🔑', 'x'.repeat(10_000)]) expect(keys('a', 'b')).toContainEqual(favourite(keys('a', 'b'), affinity));
});
