import { expect, onTestFinished, test, vi } from 'vitest';
import type { Lease } from '../../src/pool/model.ts';
import { Expiry } from '../../src/service/expiry.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { type Store, StoreLost } from '../../src/store/store.ts';
import { fakeClock, START } from '../support/clock.ts';
import { makeKeyState, makeLease, makePool } from '../support/make.ts';

const pool = makePool();

/** Expiry over a store in memory; its clock and its timers move together. */
function started(change: (store: Store) => Store = (store) => store) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const clock = fakeClock();
  const store = change(memoryStore({ clock }));
  const expired: string[] = [];
  const expiry = new Expiry(
    store,
    (id) => (id === pool.id ? pool : undefined),
    (lease) => expired.push(lease.id),
  );
  onTestFinished(() => expiry.stop());
  return {
    store,
    expiry,
    expired,
    clock,
    lease: (id: string, ttlMs: number) => put(store, makeLease({ id, acquireTime: clock(), expireTime: clock() + ttlMs })),
    underWay: () => Array.from(store.read(pool).leases(), ({ id }) => id),
    async pass(ms: number) {
      clock.advance(ms);
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
}

async function put(store: Store, lease: Lease): Promise<void> {
  const key = store.read(pool).key('a') ?? makeKeyState();
  await store.apply({ pool: pool.id, keys: [{ ...key, activeLeases: key.activeLeases + 1 }], leases: [lease] });
}

test('a lease whose time is over ends by itself and frees its place, without any call', async () => {
  const { lease, pass, underWay, expired, store } = started();
  await lease('l', 5_000);
  await pass(4_999);
  expect(underWay()).toEqual(['l']);
  await pass(2);
  expect([underWay(), expired, store.read(pool).key('a')?.activeLeases]).toEqual([[], ['l'], 0]);
});

test('leases end in the order of their times, each at its own', async () => {
  const { lease, pass, expired } = started();
  await lease('late', 300);
  await lease('early', 100);
  await lease('middle', 200);
  const ended: string[][] = [];
  for (const ms of [101, 100, 100]) {
    await pass(ms);
    ended.push([...expired]);
  }
  expect(ended).toEqual([['early'], ['early', 'middle'], ['early', 'middle', 'late']]);
});

test('a renewed lease ends at its new time', async () => {
  const { lease, store, pass, underWay } = started();
  await lease('l', 1_000);
  await store.apply({ pool: pool.id, leases: [makeLease({ id: 'l', acquireTime: START, expireTime: START + 3_000 })] });
  await pass(2_999);
  expect(underWay()).toEqual(['l']);
  await pass(2);
  expect(underWay()).toEqual([]);
});

test('a renewed lease does not end at its old time, although nobody has told of the renewal yet', async () => {
  let isSilent = false;
  const { lease, store, pass, underWay } = started((inner) => ({
    ...inner,
    onChange: (listener) =>
      inner.onChange((change) => {
        if (!isSilent) listener(change);
      }),
  }));
  await lease('l', 1_000);
  isSilent = true;
  await store.apply({ pool: pool.id, leases: [makeLease({ id: 'l', acquireTime: START, expireTime: START + 3_000 })] });
  await pass(1_001);
  expect(underWay()).toEqual(['l']);
  await pass(2_000);
  expect(underWay()).toEqual([]);
});

test('a lease that ended otherwise is not ended again, and waits for nothing any more', async () => {
  const { lease, store, pass, expired, expiry } = started();
  await lease('l', 1_000);
  await store.apply({ pool: pool.id, ended: ['l'] });
  await Promise.resolve();
  expect(expiry.isDue(START + 1_000)).toBe(false);
  await pass(2_000);
  expect(expired).toEqual([]);
});

test('a lease whose records moved on while it was ended is ended all the same', async () => {
  let movedOn = 0;
  const { lease, pass, expired } = started((inner) => ({
    ...inner,
    apply: (change) => (change.ended !== undefined && movedOn++ < 3 ? Promise.resolve('moved_on') : inner.apply(change)),
  }));
  await lease('l', 1_000);
  await pass(1_001);
  await pass(5);
  expect([movedOn, expired]).toEqual([4, ['l']]);
});

test('ten thousand leases that are due together end together', async () => {
  const { lease, pass, underWay, expired } = started();
  for (let n = 0; n < 10_000; n += 1) await lease(`l${n}`, 1_000);
  await pass(1_001);
  expect([underWay().length, expired.length]).toEqual([0, 10_000]);
});

test('a lease of a year is waited for, although no timer reaches that far', async () => {
  const year = 365 * 24 * 3_600_000;
  const { lease, pass, expired, clock } = started();
  await lease('l', year);
  clock.advance(year - 90_000);
  await pass(60_000);
  expect(expired).toEqual([]);
  await pass(60_000);
  expect(expired).toEqual(['l']);
});

test('a decision need not wait for the timer: what is due is known, and ended on demand', async () => {
  const { lease, clock, expiry, underWay } = started();
  await lease('l', 1_000);
  expect([expiry.isDue(clock() + 999), expiry.isDue(clock() + 1_000)]).toEqual([false, true]);
  clock.advance(1_000);
  await Promise.all([expiry.run(), expiry.run()]);
  expect([underWay(), expiry.isDue(clock())]).toEqual([[], false]);
});

test('filed anew, the leases of before are known as well', async () => {
  const { store, pass, expired, expiry } = started();
  const quiet = memoryStore({ clock: store.now });
  await put(quiet, makeLease({ id: 'old', expireTime: START + 500 }));
  const other = new Expiry(
    quiet,
    () => pool,
    ({ id }) => expired.push(id),
  );
  onTestFinished(() => other.stop());
  other.refile([pool]);
  expiry.refile([pool]);
  await pass(501);
  expect(expired).toEqual(['old']);
});

test('while the store is lost nothing ends and nothing breaks; filed anew, it ends', async () => {
  let lost = false;
  const losable = (inner: Store): Store => ({
    ...inner,
    read: (config) => {
      if (lost) throw new StoreLost('lost');
      return inner.read(config);
    },
  });
  const { lease, pass, expired, expiry } = started(losable);
  await lease('l', 1_000);
  lost = true;
  await pass(1_001);
  expect(expired).toEqual([]);
  lost = false;
  expiry.refile([pool]);
  await pass(2);
  expect(expired).toEqual(['l']);
});

test('stopped, it ends nothing any more', async () => {
  const { lease, pass, expired, expiry } = started();
  await lease('l', 1_000);
  expiry.stop();
  await pass(2_000);
  expect(expired).toEqual([]);
});
