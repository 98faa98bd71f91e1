import { expect, test, vi } from 'vitest';
import { type Store, StoreLost } from '../../src/store/store.ts';
import { MINUTE } from '../support/clock.ts';
import { openDesk, settle } from './desk.ts';

/** This process is stopped, for longer than a lease lasts, between the store's word on its first grants and its own. */
function heldUp(times: number): (store: Store) => Store {
  let left = times;
  return (inner) => ({
    ...inner,
    async apply(change) {
      const applied = await inner.apply(change);
      if (change.leases?.length && left > 0) {
        left -= 1;
        vi.setSystemTime(Date.now() + 2 * MINUTE);
      }
      return applied;
    },
  });
}

const ask = (requestId = '', maxWaitMs: number | null = null) => ({ requestId, maxWaitMs });

test.each([
  { how: 'at once', wish: ask() },
  { how: 'from the line', wish: ask('', 1_000) },
])('a lease that is over before its answer leaves is not handed out $how: another one is', async ({ wish }) => {
  const desk = await openDesk({ wrap: heldUp(1) });
  const asked = desk.ask(wish);
  await settle();
  expect(asked.answer).toMatchObject({ ok: true, value: { end: null, lease: { expireTime: Date.now() + MINUTE } } });
});

test('the same under a request id: it is told as the lease that has expired, without a credential', async () => {
  const desk = await openDesk({ wrap: heldUp(1) });
  const asked = desk.ask(ask('r'));
  await settle();
  expect(asked.answer).toMatchObject({ ok: true, value: { end: 'expired', credential: undefined } });
});

test('where every lease is over before its answer leaves, the store counts as lost', async () => {
  const desk = await openDesk({ wrap: heldUp(3) });
  const asked = desk.ask(ask());
  await settle();
  expect(asked.fault).toBeInstanceOf(StoreLost);
});
