import type { Mutant } from './mutant.ts';

/** Which key is leased, and how it is found among many. */
export const picks: readonly Mutant[] = [
  {
    name: 'of keys alike the first is leased again and again',
    file: 'src/pool/strategy/best.ts',
    find: 'if (Math.abs(difference) > SAME) return difference > 0;',
    replace: 'return difference > SAME;',
    tests: ['test/pool/strategy/index.test.ts'],
  },
  {
    name: 'of keys alike the one granted last is leased',
    file: 'src/pool/strategy/best.ts',
    find: 'return a.lastGrant < b.lastGrant;',
    replace: 'return a.lastGrant > b.lastGrant;',
    tests: ['test/pool/strategy/index.test.ts'],
  },
  {
    name: 'spare keys are leased like any other',
    file: 'src/pool/strategy/index.ts',
    find: 'const inTier = candidates.filter(({ key }) => key.priority === tier);',
    replace: 'const inTier = candidates;',
    tests: ['test/pool/strategy/index.test.ts'],
  },
  {
    name: 'a draining key is leased',
    file: 'src/pool/room.ts',
    find: "if (key.state.draining) return 'draining';",
    replace: '',
    tests: ['test/pool/room.test.ts'],
  },
  {
    name: 'a key that the caller excluded is leased',
    file: 'src/pool/room.ts',
    find: "if (ask.excluded.has(key.config.id)) return 'excluded';",
    replace: '',
    tests: ['test/pool/room.test.ts'],
  },
  {
    name: 'a key has one lease more than it may',
    file: 'src/pool/room.ts',
    find: 'if (key.state.activeLeases >= key.config.leasesMax ||',
    replace: 'if (key.state.activeLeases > key.config.leasesMax ||',
    tests: ['test/pool/room.test.ts'],
  },
  {
    name: 'the index takes a limit that comes back quickly for a slow one',
    file: 'src/pool/key-index.ts',
    find: '(isSlow ? value : 1)',
    replace: 'value',
    tests: ['test/pool/key-index.test.ts'],
  },
  {
    name: 'the index bounds a key below what it is worth',
    file: 'src/pool/key-index.ts',
    find: '(isSlow ? value : 1)',
    replace: '(isSlow ? value * 0.9 : 1)',
    tests: ['test/pool/key-index.test.ts'],
  },
  {
    name: 'the index does not look at a key again that something happened to',
    file: 'src/pool/key-index.ts',
    find: 'found.tier.loosen(found.place);',
    replace: '',
    tests: ['test/pool/key-index.test.ts'],
  },
  {
    name: 'a refusal is remembered beyond the moment at which a key has room',
    file: 'src/pool/denial.ts',
    find: 'facts.now >= known.until || ',
    replace: '',
    tests: ['test/pool/learning.test.ts'],
  },
  {
    name: 'a refusal is remembered although something made room on a key',
    file: 'src/pool/denial.ts',
    find: 'this.#loosened.add(key);',
    replace: '',
    tests: ['test/pool/concurrency.test.ts'],
  },
  {
    name: 'a refusal is remembered for another demand',
    file: 'src/pool/denial.ts',
    find: ' || !isSame(ask.wanted, known.ask.wanted)',
    replace: '',
    tests: ['test/pool/reconcile.test.ts'],
  },
];
