import { expect, test } from 'vitest';
import type { Change, Facts } from '../../src/pool/model.ts';
import { knownKey } from '../../src/pool/room.ts';
import { Indexes } from '../../src/service/indexes.ts';
import { PoolView } from '../../src/store/pool-view.ts';
import { Tables } from '../../src/store/tables.ts';
import { START } from '../support/clock.ts';
import { aMinute, makeAsk, makeKeyState, makePool, makeWanted } from '../support/make.ts';

/** A pool of three keys, of which `a` and `b` are at home here; and an index that follows it. */
function sharing() {
  const limits = aMinute({ requests: 10 });
  const pool = makePool({ keys: ['a', 'b', 'c'].map((id) => ({ id, limits })) });
  const tables = new Tables();
  let follow: (change: Change) => void = () => {};
  let isHome: NonNullable<Facts['isHome']> = (group) => group !== 'c';
  const facts = () => new PoolView(tables.pool(pool.id), pool, START, 1, { grantsFrom: 0, isHome });
  const onChange = (listener: typeof follow) => {
    follow = listener;
  };
  const indexes = new Indexes({ read: facts, onChange, onHealth: () => {} }, 0);
  return {
    move(home: NonNullable<Facts['isHome']>) {
      isHome = home;
    },
    /** Puts records of keys in force. */
    put(...keys: Parameters<typeof makeKeyState>[0][]) {
      const change: Change = { pool: pool.id, keys: keys.map((key) => ({ ...makeKeyState(key), version: versionOf(facts(), key!.id!) })) };
      expect(tables.apply(change)).toBe(true);
      follow(change);
    },
    find: () =>
      indexes.ofHome(facts(), '')?.find(facts(), { wanted: makeWanted(), modelClass: '', excluded: makeAsk().excluded })?.config.id,
  };
}

function versionOf(facts: Facts, id: string): number {
  return knownKey(facts, facts.pool.keys.find((key) => key.id === id)!).state.version;
}

test('only keys at home are found, and none where none has room', () => {
  const pool = sharing();
  pool.put({ id: 'a', draining: true });
  expect(pool.find()).toBe('b');
  pool.put({ id: 'b', draining: true });
  expect(pool.find()).toBeUndefined();
});

test('a key at home that has room again is found again', () => {
  const pool = sharing();
  pool.put({ id: 'a', draining: true }, { id: 'b', draining: true });
  expect(pool.find()).toBeUndefined();
  pool.put({ id: 'b', draining: false });
  expect(pool.find()).toBe('b');
});

test('a key that joins a limit group is where that is at home', () => {
  const pool = sharing();
  expect(pool.find()).toBe('a');
  pool.put({ id: 'a', group: 'c' });
  expect(pool.find()).toBe('b');
});

test('when homes move, the keys do', () => {
  const pool = sharing();
  expect(pool.find()).toBe('a');
  pool.move((group) => group === 'c');
  expect(pool.find()).toBe('c');
});
