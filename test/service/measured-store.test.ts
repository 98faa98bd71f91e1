import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/pool/model.ts';
import { Counts } from '../../src/service/counts.ts';
import { isOvercommitted, measuredStore } from '../../src/service/measured-store.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { START } from '../support/clock.ts';
import { makeDemand, makeGroup, makeKey, makeKeyState, makeLease, makeMeter, makePool } from '../support/make.ts';

/** A grant of some requests on a key with a limit of 60, after which so much is used and reserved. */
function grant({ deficit = 0, reserved = 1, requests = 1, activeLeases = 1 }): Change {
  const lease = makeLease({ held: makeDemand({ requests }) });
  const meter = makeMeter({ limit: 60, deficit, reserved });
  return {
    pool: 'p',
    keys: [makeKeyState({ activeLeases })],
    groups: [makeGroup({ meters: { '': [meter] } })],
    leases: [lease],
  };
}

const POOL = makePool({ keys: [makeKey({ leasesMax: 2 })] });

describe('a grant', () => {
  test.each([
    ['of the last that was left', { deficit: 59, reserved: 1 }, false],
    ['of more than was left', { deficit: 60, reserved: 1 }, true],
    ['beside reservations that take all of it', { deficit: 0, reserved: 60 }, false],
    ['beside reservations that take more', { deficit: 0, reserved: 61 }, true],
    ['of nothing, on a limit that a response told to be used up', { deficit: 70, reserved: 0, requests: 0 }, false],
    ['of the last lease that the key may have out', { activeLeases: 2 }, false],
    ['of one lease more', { activeLeases: 3 }, true],
  ])('%s', (_, about, isOver) => {
    const change = grant(about);
    expect(isOvercommitted(POOL, change, change.leases![0]!, START)).toBe(isOver);
  });
});

test('a grant of too much is counted once, by its pool; the renewal of that lease is not', async () => {
  const counts = new Counts();
  const store = measuredStore(memoryStore({ clock: () => START }), counts, () => POOL);
  const change = grant({ deficit: 60, reserved: 1 });
  expect(await store.apply(change)).toBe('applied');
  expect(counts.of('p').overcommits).toBe(1);
  await store.apply({ pool: 'p', leases: change.leases! });
  expect(counts.of('p').overcommits).toBe(1);
});

test('a grant that the store refused to apply is none', async () => {
  const counts = new Counts();
  const inner = memoryStore({ clock: () => START });
  const store = measuredStore({ ...inner, apply: () => Promise.resolve('moved_on') }, counts, () => POOL);
  await store.apply(grant({ deficit: 60, reserved: 1 }));
  expect(counts.of('p').overcommits).toBe(0);
});

test('changes of one turn share one timing, and a failure is counted and told to whoever asked', async () => {
  const counts = new Counts();
  const inner = memoryStore({ clock: () => START });
  const store = measuredStore(inner, counts, () => POOL);
  await Promise.all([store.apply(grant({})), store.apply({ pool: 'p', ended: ['lease'] })]);
  expect(counts.commits.counts.reduce((sum, count) => sum + count)).toBe(1);
  const broken = measuredStore({ ...inner, apply: () => Promise.reject(new Error('no disk')) }, counts, () => POOL);
  await expect(broken.apply(grant({}))).rejects.toThrow('no disk');
  expect(counts.storeFailures).toEqual({ read: 0, apply: 1 });
});
