import { expect, test } from 'vitest';
import type { Facts, PoolConfig } from '../../src/pool/model.ts';
import { Contended, decide } from '../../src/service/decide.ts';
import type { Expiry } from '../../src/service/expiry.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Applied, Store } from '../../src/store/store.ts';

const pool = { id: 'p' } as PoolConfig;
const NEVER_DUE = { isDue: () => false } as unknown as Expiry;

/** A store that answers so to one change after the other. */
function answering(...answers: Applied[]): Store {
  return { ...memoryStore(), apply: () => Promise.resolve(answers.shift() ?? 'applied') };
}

const counted = () => {
  let taken = 0;
  return () => {
    taken += 1;
    return { outcome: taken, change: { pool: 'p' } };
  };
};

test.each<{ name: string; answers: Applied[]; outcome: number }>([
  { name: 'applied at once: decided once', answers: ['applied'], outcome: 1 },
  { name: 'moved on twice: decided a third time, and the last decision counts', answers: ['moved_on', 'moved_on'], outcome: 3 },
  { name: 'moved on 63 times: the 64th counts', answers: Array(63).fill('moved_on'), outcome: 64 },
])('$name', async ({ answers, outcome }) => {
  expect((await decide({ store: answering(...answers), expiry: NEVER_DUE }, pool, counted())).outcome).toBe(outcome);
});

test('moved on 64 times: given up', async () => {
  const deciding = { store: answering(...Array(64).fill('moved_on')), expiry: NEVER_DUE };
  await expect(decide(deciding, pool, counted())).rejects.toThrow(Contended);
});

test('each decision sees the records as they stand then', async () => {
  const inner = memoryStore({ clock: () => 7 });
  const seen: number[] = [];
  const store: Store = {
    ...inner,
    async apply(change) {
      if (seen.length > 1) return inner.apply(change);
      await inner.apply({ pool: 'p', state: { ...inner.read(pool).state, turn: { lastOrder: 5, weights: {} } } });
      return 'moved_on';
    },
  };
  await decide({ store, expiry: NEVER_DUE }, pool, (facts: Facts) => {
    seen.push(facts.state.turn.lastOrder);
    return { outcome: null, change: { pool: 'p' } };
  });
  expect(seen).toEqual([-1, 5]);
});

test('leases that are due are ended before anything is decided', async () => {
  const order: string[] = [];
  let due = 2;
  const expiry = {
    isDue: () => due > 0,
    run: async () => {
      due -= 1;
      order.push('ended');
    },
  } as unknown as Expiry;
  await decide({ store: memoryStore(), expiry }, pool, () => {
    order.push('decided');
    return { outcome: null, change: { pool: 'p' } };
  });
  expect(order).toEqual(['ended', 'ended', 'decided']);
});

test('what a decision throws, and what the store throws, goes to the caller', async () => {
  const fault = () => {
    throw new Error('a fault');
  };
  await expect(decide({ store: memoryStore(), expiry: NEVER_DUE }, pool, fault)).rejects.toThrow('a fault');
  const store: Store = { ...memoryStore(), apply: () => Promise.reject(new Error('lost')) };
  await expect(decide({ store, expiry: NEVER_DUE }, pool, counted())).rejects.toThrow('lost');
});
