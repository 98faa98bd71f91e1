import { expect, test } from 'vitest';
import type { Change } from '../../src/pool/model.ts';
import { type Applied, type Store, StoreLost } from '../../src/store/store.ts';
import { keyOf } from '../support/app.ts';
import { type Asked, type DeskOptions, fate, leaseIdOf, openDesk, pass, patientPool, settle, type Wish } from './desk.ts';

const fates = (all: readonly Asked[]) => all.map(fate).join(' ');
const STORE_LOST = 'StoreLost: the disk is gone';

/** A store whose fate the test decides: it can be lost, and what it is to store can be held back. */
function fragile() {
  const listeners: ((cause: Error | null) => void)[] = [];
  let lost: StoreLost | undefined;
  let hold: ((inner: Store, change: Change) => Promise<Applied>) | undefined;
  const wrap = (inner: Store): Store => ({
    ...inner,
    read(pool) {
      if (lost !== undefined) throw lost;
      return inner.read(pool);
    },
    apply(change) {
      if (lost !== undefined) return Promise.reject(lost);
      return hold !== undefined && change.leases?.length ? hold(inner, change) : inner.apply(change);
    },
    onHealth: (listener) => void listeners.push(listener),
  });
  return {
    wrap,
    lose: () => {
      lost = new StoreLost('the disk is gone');
    },
    tell: () => {
      for (const listener of listeners) listener(new Error('the disk is gone'));
    },
    /** Grants from now on are neither stored nor refused before the gate is opened with an answer. */
    gate() {
      const gate = Promise.withResolvers<Applied>();
      hold = async (inner, change) => ((await gate.promise) === 'applied' ? inner.apply(change) : 'moved_on');
      return (answer: Applied) => {
        hold = undefined;
        gate.resolve(answer);
      };
    },
    fail: (fault: Error) => {
      hold = () => Promise.reject(fault);
    },
  };
}

/** A desk whose one key is leased, and calls in line for it. */
async function busyDesk(count: number, wish: Wish = {}, options: DeskOptions = {}) {
  const store = fragile();
  const desk = await openDesk({ config: patientPool([keyOf('a', { max_leases: 1 })]), wrap: store.wrap, ...options });
  const first = desk.ask();
  await settle();
  const id = leaseIdOf(first);
  const waiting = Array.from({ length: count }, () => desk.ask(wish));
  await settle();
  expect(waiting.map(fate)).toEqual(waiting.map(() => 'waits'));
  return { desk, store, waiting, release: () => desk.leases.release('anonymous', id) };
}

test('a store that is lost ends every wait at once', async () => {
  const { desk, store, waiting } = await busyDesk(100);
  store.lose();
  store.tell();
  await settle();
  const answer = { ok: false, problem: { kind: 'unavailable', why: 'store_lost' }, now: Date.now() };
  expect(waiting.map((call) => call.answer)).toEqual(waiting.map(() => answer));
  expect(desk.waiting.size('default')).toBe(0);
});

test('a store that is found lost when room opens, before it was told, leaves nobody waiting', async () => {
  const { desk, store, waiting } = await busyDesk(3);
  store.lose();
  desk.waiting.wakeAll();
  await settle();
  expect(waiting.map(fate)).toEqual([STORE_LOST, STORE_LOST, STORE_LOST]);
  expect(desk.waiting.size('default')).toBe(0);
});

test('a store that is lost while a lease is stored for one who waited ends that wait as well', async () => {
  const { store, waiting, release } = await busyDesk(1);
  store.fail(new StoreLost('the disk is gone'));
  await release();
  await settle();
  expect(fates(waiting)).toBe(STORE_LOST);
});

test('a fault while a lease is stored reaches the caller as the fault that it is', async () => {
  const { store, waiting, release } = await busyDesk(2);
  store.fail(new TypeError('a mistake in the store'));
  await release();
  await settle();
  expect(fates(waiting)).toBe('TypeError: a mistake in the store TypeError: a mistake in the store');
});

test('a fault in the decision for one who waits reaches this caller, and no other is harmed', async () => {
  let draws = 0;
  const random = () => {
    draws += 1;
    if (draws === 2) throw new TypeError('a mistake in the decision');
    return 0;
  };
  const config = patientPool([keyOf('a', { max_leases: 1 })], { strategy: 'random' });
  const { waiting, release } = await busyDesk(2, {}, { config, random });
  await release();
  await settle();
  expect(fates(waiting)).toBe('TypeError: a mistake in the decision a');
});

test('who was cancelled before it could stand in line never does', async () => {
  const { desk } = await busyDesk(0);
  const call = desk.ask();
  call.cancel();
  await settle();
  expect(fate(call)).toBe('cancelled');
  expect(desk.waiting.size('default')).toBe(0);
});

test('who is cancelled while a lease is stored for it gives it back', async () => {
  const { desk, store, waiting, release } = await busyDesk(1);
  const open = store.gate();
  await release();
  await settle();
  waiting[0]?.cancel();
  open('applied');
  await settle();
  expect(fates(waiting)).toBe('cancelled');
  const next = desk.ask();
  await settle();
  expect(fate(next)).toBe('a');
});

test('records that moved on put the call back in line, and it gets what is there then', async () => {
  const { store, waiting, release, desk } = await busyDesk(1);
  const open = store.gate();
  await release();
  await settle();
  expect(desk.waiting.size('default')).toBe(0);
  open('moved_on');
  await settle();
  expect(fates(waiting)).toBe('a');
});

test.each<{ what: string; meanwhile: (busy: Awaited<ReturnType<typeof busyDesk>>) => unknown; answer: string }>([
  { what: 'its time was over', meanwhile: () => pass(2_000), answer: 'exhausted' },
  { what: 'it was cancelled', meanwhile: ({ waiting }) => waiting[0]?.cancel(), answer: 'cancelled' },
  { what: 'the service was drained', meanwhile: ({ desk }) => desk.waiting.drain(), answer: 'unavailable' },
])('records that moved on do not bring a call back into the line after $what', async ({ meanwhile, answer }) => {
  const busy = await busyDesk(1, { maxWaitMs: 1_000 });
  const open = busy.store.gate();
  await busy.release();
  await settle();
  await meanwhile(busy);
  expect(fates(busy.waiting)).toBe('waits');
  open('moved_on');
  await settle();
  expect(fates(busy.waiting)).toBe(answer);
  expect(busy.desk.waiting.size('default')).toBe(0);
  expect(busy.waiting[0]?.listeners.size).toBe(0);
});
