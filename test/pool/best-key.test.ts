import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestKey } from '../../src/pool/best-key.ts';
import { KeyCandidate } from '../../src/pool/candidate.ts';
import type { Facts, KeyConfig, KeyState } from '../../src/pool/model.ts';
import { type Ask, knownKey, passedOver } from '../../src/pool/room.ts';
import { choose, strategyByName } from '../../src/pool/strategy/index.ts';
import { PoolTables } from '../../src/store/pool-tables.ts';
import { PoolView } from '../../src/store/pool-view.ts';
import { START } from '../support/clock.ts';
import { makeGroup, makeKeyState, makeMeter, makePool, makeWanted } from '../support/make.ts';

interface Row {
  readonly priority: number;
  readonly group: string;
  readonly deficit: number;
  readonly state: Pick<KeyState, 'activeLeases' | 'lastGrant' | 'draining'>;
}

/** So few values that keys are often alike. */
const row: fc.Arbitrary<Row> = fc.record({
  priority: fc.integer({ min: 0, max: 1 }),
  group: fc.constantFrom('x', 'y', 'z'),
  deficit: fc.constantFrom(0, 4, 9, 10),
  state: fc.record({
    activeLeases: fc.integer({ min: 0, max: 2 }),
    lastGrant: fc.integer({ min: 0, max: 2 }),
    draining: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  }),
});

const ASK: Ask = { wanted: makeWanted({ requests: 1 }), modelClass: '', excluded: new Set() };

function factsOf(rows: readonly Row[], home: readonly string[] | null, strategy: string): Facts {
  const keys = rows.map(({ priority }, n) => ({ id: `k${n}`, priority, leasesMax: 2 }));
  const pool = makePool({ strategy: strategyByName(strategy)!, keys });
  const tables = new PoolTables();
  for (const [n, { deficit, state }] of rows.entries()) {
    tables.keys.set(`k${n}`, makeKeyState({ id: `k${n}`, group: `${n}${rows[n]!.group}`, ...state }));
    tables.groups.set(
      `${n}${rows[n]!.group}`,
      makeGroup({ id: `${n}${rows[n]!.group}`, meters: { '': [makeMeter({ limit: 10, deficit, at: START })] } }),
    );
  }
  const isHome = home === null ? undefined : (group: string) => home.includes(group.slice(-1));
  return new PoolView(tables, pool, START, 1, { grantsFrom: 0, isHome });
}

/** The same in words: all with room, of these the highest tier, of these those at home if any is, of these what the strategy picks. */
function plainly(facts: Facts): KeyConfig | undefined {
  const known = facts.pool.keys.map((config) => knownKey(facts, config)).filter((key) => passedOver(facts, key, ASK) === null);
  const tier = Math.max(...known.map(({ config }) => config.priority));
  const inTier = known.filter(({ config }) => config.priority === tier);
  const atHome = inTier.filter(({ state }) => facts.isHome?.(state.group));
  const candidates = (atHome.length > 0 ? atHome : inTier).map((key) => new KeyCandidate(key, '', facts.now));
  if (candidates.length === 0) return undefined;
  return choose(candidates, facts.pool.strategy, '', facts.state.turn, () => 0).chosen.key;
}

test.each(['least_loaded', 'bottleneck'])('%s finds what it would pick among all keys with room', (strategy) => {
  const homes = fc.option(fc.subarray(['x', 'y', 'z']));
  const property = fc.property(fc.array(row, { maxLength: 8 }), homes, (rows, home) => {
    const facts = factsOf(rows, home, strategy);
    expect(bestKey(facts, ASK, facts.pool.strategy.value!)?.config.id).toBe(plainly(facts)?.id);
  });
  fc.assert(property, { numRuns: 500 });
});
