import { describe, expect, test } from 'vitest';
import type { Candidate, Strategy } from '../../../src/pool/model.ts';
import { choose, strategyByName, strategyNames } from '../../../src/pool/strategy/index.ts';
import { FRESH_POOL } from '../../../src/store/store.ts';
import { makeCandidate } from '../../support/make.ts';
import { noChance, scripted, seededRandom } from '../../support/random.ts';

const { turn } = FRESH_POOL;
const named = (name: string) => strategyByName(name) as Strategy;
const candidates = (...each: Parameters<typeof makeCandidate>[0][]) =>
  each.map((candidate, order) => makeCandidate({ ...candidate, key: { id: 'abcdefgh'[order]!, order, ...candidate?.key } }));
const picked = (name: string, each: readonly Candidate[], random = noChance) => named(name).pick(each, turn, random).chosen.key.id;

test('the names are those that a configuration may give', () => {
  expect(strategyNames).toEqual(['least_loaded', 'bottleneck', 'round_robin', 'weighted', 'random', 'power_of_two', 'fill_first']);
  expect(strategyNames.map((name) => strategyByName(name)?.name)).toEqual(strategyNames);
});

test.each(['least-loaded', 'LEAST_LOADED', 'constructor', '__proto__', ' '])('%o is no strategy', (name) => {
  expect(strategyByName(name)).toBeUndefined();
});

test('no name means least_loaded', () => {
  expect(strategyByName('')).toBe(named('least_loaded'));
});

describe.each(strategyNames)('%s', (name) => {
  test('takes the only candidate', () => {
    expect(picked(name, candidates({}), seededRandom(1))).toBe('a');
  });

  test('picks nothing but candidates, whatever chance says', () => {
    const each = candidates({}, {}, {});
    for (const draw of [0, 0.3, 0.5, 0.999, 1 - 2 ** -53]) expect(each).toContain(named(name).pick(each, turn, () => draw).chosen);
  });

  test('changes neither the candidates nor the turn that it was given', () => {
    const each = Object.freeze(candidates({}, {}).map((candidate) => Object.freeze(candidate)));
    const before = Object.freeze({ lastOrder: 0, weights: Object.freeze({ a: 1 }) });
    expect(() => named(name).pick(each, before, seededRandom(1))).not.toThrow();
  });
});

describe.each([
  ['least_loaded', 'score'],
  ['bottleneck', 'headroom'],
] as const)('%s', (name, field) => {
  test(`takes the highest ${field}, and looks at nothing else`, () => {
    expect(picked(name, candidates({ [field]: 0.2, activeLeases: 0 }, { [field]: 0.9, activeLeases: 99, score: 0.9, headroom: 0.9 }))).toBe(
      'b',
    );
  });

  test('of equals takes the one with the fewest leases under way', () => {
    expect(picked(name, candidates({ activeLeases: 2 }, { activeLeases: 1, lastGrant: 9 }, { activeLeases: 3 }))).toBe('b');
  });

  test('of equals with as many leases takes the one that was granted longest ago', () => {
    expect(picked(name, candidates({ lastGrant: 7 }, { lastGrant: 9 }, { lastGrant: 3 }))).toBe('c');
  });

  test('takes noise of the arithmetic for equality', () => {
    expect(picked(name, candidates({ [field]: 0.5 + 1e-12, activeLeases: 1 }, { [field]: 0.5 }))).toBe('b');
  });
});

test('bottleneck passes over a key with many requests and few tokens that least_loaded would take', () => {
  const each = candidates({ score: 0.6, headroom: 0.1 }, { score: 0.5, headroom: 0.5 });
  expect([picked('least_loaded', each), picked('bottleneck', each)]).toEqual(['a', 'b']);
});

/** The ids that a strategy picks in so many turns, with `open` saying who is a candidate in each. */
function sequence(
  name: string,
  each: readonly Candidate[],
  turns: number,
  open: (turn: number, candidate: Candidate) => boolean = () => true,
) {
  let current = turn;
  return Array.from({ length: turns }, (_, n) => {
    const { chosen, turn: next } = named(name).pick(
      each.filter((candidate) => open(n, candidate)),
      current,
      noChance,
    );
    current = next;
    return chosen.key.id;
  }).join(' ');
}

describe('round_robin', () => {
  test('takes each key in the order of the configuration, and begins again', () => {
    expect(sequence('round_robin', candidates({}, {}, {}), 7)).toBe('a b c a b c a');
  });

  test('skips keys without room, and does not make up for it', () => {
    const each = candidates({}, {}, {});
    expect(sequence('round_robin', each, 7, (n, { key }) => key.id !== 'b' || n > 3)).toBe('a c a c a b c');
  });

  test('goes on where it was, when the last key has left', () => {
    const each = candidates({}, {}, {});
    expect(named('round_robin').pick(each, { lastOrder: 99, weights: {} }, noChance).chosen.key.id).toBe('a');
  });
});

describe('weighted', () => {
  const weights = (...each: number[]) => candidates(...each.map((weight) => ({ key: { weight } })));

  test('spreads the turns of a heavy key evenly', () => {
    expect(sequence('weighted', weights(5, 1, 1), 14)).toBe('a a b a c a a a a b a c a a');
  });

  test('is round robin among equal weights', () => {
    expect(sequence('weighted', weights(3, 3, 3), 6)).toBe('a b c a b c');
  });

  test('gives each key its share to the unit in as many turns as the weights add up to', () => {
    const ids = sequence('weighted', weights(7, 4, 2, 1), 14 * 3).split(' ');
    expect(['a', 'b', 'c', 'd'].map((id) => ids.filter((each) => each === id).length)).toEqual([21, 12, 6, 3]);
  });

  test('does not let a key that was out make up for its turns', () => {
    const ids = sequence('weighted', weights(1, 1), 10, (n, { key }) => key.id === 'b' || n >= 6);
    expect(ids.slice(12)).toBe('a b a b');
  });

  test('keeps no credit of keys that are gone', () => {
    const before = { lastOrder: -1, weights: { gone: 5, a: 1 } };
    expect(named('weighted').pick(weights(2, 1), before, noChance).turn.weights).toEqual({ a: 0, b: 1 });
  });
});

describe('chance', () => {
  test.each([
    [0, 'a'],
    [0.34, 'b'],
    [0.99, 'c'],
  ])('random takes with a draw of %d the key %s', (draw, id) => {
    expect(picked('random', candidates({}, {}, {}), scripted(draw))).toBe(id);
  });

  test.each([
    { rule: 'the better of the first and the second', draws: [0, 0], id: 'b' },
    { rule: 'the better of the first and the third', draws: [0, 0.5], id: 'a' },
    { rule: 'the better of the third and the first', draws: [0.9, 0], id: 'a' },
    { rule: 'the better of the second and the third', draws: [0.4, 0], id: 'b' },
  ])('power_of_two takes $rule', ({ draws, id }) => {
    expect(picked('power_of_two', candidates({ score: 0.5 }, { score: 0.9 }, { score: 0.1 }), scripted(...draws))).toBe(id);
  });

  test('power_of_two never draws one key twice, so the worst is never taken', () => {
    const each = candidates({ score: 0.5 }, { score: 0.1 }, { score: 0.9 }, { score: 0.4 });
    const random = seededRandom(7);
    const taken = new Set(Array.from({ length: 2_000 }, () => picked('power_of_two', each, random)));
    expect(taken).toEqual(new Set(['a', 'c', 'd']));
  });
});

test('fill_first takes the first key with room, however full it is', () => {
  expect(picked('fill_first', candidates({ score: 0.01, activeLeases: 99 }, {}))).toBe('a');
});

describe('before any strategy', () => {
  const choice = (each: readonly Candidate[], affinity = '') => choose(each, named('least_loaded'), affinity, turn, noChance);

  test('the highest tier with a key counts', () => {
    const each = candidates({ key: { priority: 1 }, score: 1 }, { key: { priority: 3 }, score: 0.1 }, { key: { priority: 3 }, score: 0.2 });
    expect(choice(each).chosen.key.id).toBe('c');
  });

  test('tiers below 0 are tiers', () => {
    expect(choice(candidates({ key: { priority: -7 } }, { key: { priority: -3 } })).chosen.key.id).toBe('b');
  });

  test('an affinity uses up no turn', () => {
    expect(choose(candidates({}, {}), named('round_robin'), 'chat', turn, noChance).turn).toBe(turn);
  });
});
