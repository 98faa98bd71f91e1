import { describe, expect, test } from 'vitest';
import { type AcquireRequest, acquire, type Chance } from '../../src/pool/acquire.ts';
import type { Facts } from '../../src/pool/model.ts';
import { strategyByName } from '../../src/pool/strategy/index.ts';
import { Indexes } from '../../src/service/indexes.ts';
import { PoolTables } from '../../src/store/pool-tables.ts';
import { PoolView } from '../../src/store/pool-view.ts';
import { SECOND, START } from '../support/clock.ts';
import { aMinute, makeAsk, makePool } from '../support/make.ts';

/** What replicas that share a store see beside the records. */
interface Case {
  readonly keys?: NonNullable<Parameters<typeof makePool>[0]>['keys'];
  readonly strategy?: string;
  readonly home?: readonly string[];
  readonly grantsFrom?: number;
  readonly ask?: Partial<AcquireRequest>;
  readonly isIndexed?: boolean;
}

const KEYS = [{ id: 'a', limitGroup: 'x' }, { id: 'b', limitGroup: 'y' }, { id: 'c', limitGroup: 'y' }] as const; // biome-ignore format: one row

function outcomeOf({ keys = KEYS, strategy = 'least_loaded', home, grantsFrom = 0, ask, isIndexed = false }: Case) {
  const pool = { ...makePool({ keys }), strategy: strategyByName(strategy)! };
  const isHome = home === undefined ? undefined : (group: string) => home.includes(group);
  const facts = new PoolView(new PoolTables(), pool, START, 1, { grantsFrom, isHome });
  const chance = { random: () => 0, mintLeaseId: () => 'lease' };
  return acquire(facts, makeAsk(ask), isIndexed ? { ...chance, ...byIndex(facts) } : chance).outcome;
}

function byIndex(facts: Facts): Pick<Chance, 'indexOf' | 'homeIndexOf'> {
  const indexes = new Indexes({ read: () => facts, onChange: () => {}, onHealth: () => {} }, 0);
  return {
    indexOf: (each, modelClass) => indexes.of(each, modelClass),
    homeIndexOf: (each, modelClass) => indexes.ofHome(each, modelClass),
  };
}

describe.each([false, true])('where limit groups are at home, with an index: %s', (isIndexed) => {
  test.each<{ rule: string; case: Case; keyId: string }>([
    { rule: 'nowhere: the first of equals', case: {}, keyId: 'a' },
    { rule: 'elsewhere for the first: the first of those at home', case: { home: ['y'] }, keyId: 'b' },
    { rule: 'all elsewhere: the first of all', case: { home: [] }, keyId: 'a' },
    { rule: 'here, but without room: one from elsewhere', case: { home: ['y'], ask: { excluded: new Set(['b', 'c']) } }, keyId: 'a' },
    {
      rule: 'here, but of a lower tier: the tier comes first',
      case: { home: ['y'], keys: [{ id: 'a', limitGroup: 'x', priority: 9 }, KEYS[1], KEYS[2]] },
      keyId: 'a',
    },
    { rule: 'here, but the strategy keeps an order', case: { home: ['y'], strategy: 'fill_first' }, keyId: 'a' },
  ])('$rule', ({ case: one, keyId }) => {
    expect(outcomeOf({ ...one, isIndexed })).toMatchObject({ kind: 'granted', lease: { keyId } });
  });

  test('an affinity is to the same key on every replica', () => {
    const keyOn = (home: readonly string[]) => outcomeOf({ home, ask: { affinity: 'cache' }, isIndexed });
    expect(keyOn(['x'])).toEqual(keyOn(['y']));
  });
});

describe('while grants may be forgotten', () => {
  test('nothing is granted, and the moment from which on is told', () => {
    expect(outcomeOf({ grantsFrom: START + SECOND })).toEqual({
      kind: 'exhausted',
      retryTime: START + SECOND,
      counts: { keys: 3, cooldown: 0, unhealthy: 0, draining: 0, excluded: 0, noRoom: 3 },
    });
  });

  test('a demand that no key can ever take is still told so', () => {
    const keys = [{ id: 'a', limits: aMinute({ input_tokens: 10 }) }];
    expect(outcomeOf({ grantsFrom: START + SECOND, keys, ask: { inputTokens: 11 } })).toMatchObject({ kind: 'demand_exceeds_limit' });
  });

  test('it is granted from that moment on', () => {
    expect(outcomeOf({ grantsFrom: START })).toMatchObject({ kind: 'granted' });
  });
});
