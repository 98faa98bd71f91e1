import { expect, test } from 'vitest';
import { OVERTAKINGS_MAX } from '../../src/pool/line.ts';
import { type ConfigContent, keyOf } from '../support/app.ts';
import { type Asked, type Desk, fate, leaseIdOf, openDesk, pass, patientPool, settle, type Wish } from './desk.ts';

const HOUR_MS = 3_600_000;

async function leased(desk: Desk, wish: Wish = {}): Promise<string> {
  const asked = desk.ask({ ttlMs: HOUR_MS, ...wish });
  await settle();
  return leaseIdOf(asked);
}

/** Calls that find no room, in the order in which they came. */
async function inLine(desk: Desk, wishes: readonly Wish[]): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const wish of wishes) {
    asked.push(desk.ask(wish));
    await settle();
  }
  expect(asked.map(fate)).toEqual(asked.map(() => 'waits'));
  return asked;
}

const places = (ids: string, max_leases = 1) =>
  patientPool(
    [...ids].map((id) => keyOf(id, { max_leases })),
    { lease: { ttl: '60s', max_ttl: '24h' } },
  );

test('calls are served by priority, then as they came, one for each place that opens', async () => {
  const desk = await openDesk({ config: places('a') });
  let id = await leased(desk);
  const waiting = await inLine(desk, [{ priority: 0 }, { priority: 2 }, { priority: 0 }, { priority: 1 }]);
  const order: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    await desk.leases.release('anonymous', id);
    await settle();
    const next = waiting.findIndex((call, place) => call.answer !== undefined && !order.includes(place));
    order.push(next);
    id = leaseIdOf(waiting[next] as Asked);
  }
  expect(order).toEqual([1, 3, 0, 2]);
});

test('who comes just as a place opens stands behind those who wait for it', async () => {
  const desk = await openDesk({ config: places('a') });
  const id = await leased(desk);
  const [first] = await inLine(desk, [{}]);
  const released = desk.leases.release('anonymous', id);
  const late = desk.ask();
  await released;
  await settle();
  expect([fate(first as Asked), fate(late)]).toEqual(['a', 'waits']);
});

test('a holder with many calls and one with a single call are served in turn', async () => {
  const desk = await openDesk({ config: places('ab') });
  const ids = [await leased(desk), await leased(desk)];
  const waiting = await inLine(desk, [{ holder: 'many' }, { holder: 'many' }, { holder: 'many' }, { holder: 'single' }]);
  for (const id of ids) await desk.leases.release('anonymous', id);
  await settle();
  expect(waiting.map(({ answer }) => answer !== undefined)).toEqual([true, false, false, true]);
});

test('a call that fits does not stand behind one that does not, nor behind another model class', async () => {
  const config = patientPool([keyOf('a', { limits: { input_tokens: 60_000 } })]);
  const desk = await openDesk({ config });
  for (const model of ['x', 'y']) await desk.admin.revoke(await leased(desk, { model, inputTokens: 60_000 }));
  const [big, small, other] = await inLine(desk, [
    { model: 'x', inputTokens: 50_000 },
    { model: 'x', inputTokens: 1_000 },
    { model: 'y', inputTokens: 500 },
  ]);
  await pass(1_000);
  expect([big?.at, small?.at, other?.at]).toEqual([undefined, 1_000, 500]);
});

test('room that classes share goes to whoever waits longest, and not to all of one class first', async () => {
  const desk = await openDesk({ config: places('a', 4) });
  const ids: string[] = [];
  for (let n = 0; n < 4; n += 1) ids.push(await leased(desk));
  const waiting = [];
  for (const model of ['x', 'x', 'y', 'x', 'y', 'x', 'x']) {
    waiting.push(...(await inLine(desk, [{ model }])));
    await pass(1);
  }
  await Promise.all(ids.map((id) => desk.leases.release('anonymous', id)));
  await settle();
  expect(waiting.map(({ answer }) => answer !== undefined)).toEqual([true, true, true, true, false, false, false]);
});

/** One big call at the head of the line, on a bucket of a thousand tokens a second that others keep drinking from. */
async function bigCallInLine(patience: Partial<Wish> = {}) {
  const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { input_tokens: 60_000 } })], { lease: { ttl: '1s' } }) });
  await desk.admin.revoke(await leased(desk, { inputTokens: 60_000, ttlMs: 1_000 }));
  const [big] = await inLine(desk, [{ inputTokens: 5_000, holder: 'big' }]);
  const small: Asked[] = [];
  const drink = async (moments: number) => {
    for (let n = 0; n < moments; n += 1) {
      small.push(desk.ask({ inputTokens: 100, holder: `small ${n % 3}`, ...patience }));
      await pass(100);
    }
  };
  const overtook = () => small.filter(({ at }) => at !== undefined && at < (big?.at ?? Number.POSITIVE_INFINITY));
  const served = () => overtook().filter(({ answer }) => answer?.ok);
  return { desk, big: big as Asked, drink, served, small };
}

test.each<{ who: string; patience: Partial<Wish> }>([
  { who: 'who wait', patience: {} },
  { who: 'who wait for a moment only, and are looked at a last time when it is over', patience: { maxWaitMs: 100 } },
  { who: 'who do not wait', patience: { maxWaitMs: null } },
  { who: 'of a lower priority', patience: { priority: -1 } },
])('a big call is overtaken by at most so many small ones $who', async ({ patience }) => {
  const { big, drink, served } = await bigCallInLine(patience);
  await drink(200);
  expect(fate(big)).toBe('a');
  expect(served().length).toBeGreaterThan(0);
  expect(served().length).toBeLessThanOrEqual(OVERTAKINGS_MAX);
  expect(big.at).toBeLessThanOrEqual(5_000 + OVERTAKINGS_MAX * 100 + 100);
});

test('once the big call is served the small ones go on at the rate of the refill', async () => {
  const { big, drink, small } = await bigCallInLine();
  await drink(100);
  await pass(5_000);
  expect(fate(big)).toBe('a');
  expect(new Set(small.map(fate))).toEqual(new Set(['a']));
});

test('a big call that gives up keeps nothing back any longer', async () => {
  const { big, drink, desk } = await bigCallInLine();
  await drink(30);
  const small = desk.ask({ inputTokens: 100 });
  await settle();
  expect([fate(big), fate(small)]).toEqual(['waits', 'waits']);
  big.cancel();
  await settle();
  expect([fate(big), fate(small)]).toEqual(['cancelled', 'a']);
});

test('only what the head of the line waits for is kept for it: a key that it cannot use is leased to others', async () => {
  const config = patientPool([keyOf('a', { max_leases: 1 }), keyOf('b', { max_leases: 1 })], { lease: { ttl: '1s', max_ttl: '24h' } });
  const desk = await openDesk({ config });
  await leased(desk, { excluded: new Set(['b']) });
  let id = await leased(desk);
  const [picky] = await inLine(desk, [{ excluded: new Set(['b']), holder: 'picky' }]);
  const others = await inLine(
    desk,
    Array.from({ length: OVERTAKINGS_MAX * 2 }, () => ({ ttlMs: HOUR_MS })),
  );
  for (const other of others) {
    await desk.leases.release('anonymous', id);
    await settle();
    expect([fate(picky as Asked), fate(other)]).toEqual(['waits', 'b']);
    id = leaseIdOf(other);
  }
});

test('a call that does not wait takes a key that the head of the line cannot use, or the lease that it already has', async () => {
  const config = patientPool([keyOf('a', { max_leases: 1 }), keyOf('b')], { lease: { ttl: '60s', max_ttl: '24h' } });
  const desk = await openDesk({ config });
  const wish: Wish = { excluded: new Set(['b']), requestId: 'r', contentHash: 'same', maxWaitMs: null };
  const id = await leased(desk, wish);
  await inLine(desk, [{ excluded: new Set(['b']), holder: 'picky' }]);
  for (let n = 0; n < OVERTAKINGS_MAX + 4; n += 1) await leased(desk, { maxWaitMs: null });
  expect(await leased(desk, wish)).toBe(id);
});

test('keys that share the allowance which is kept are kept as well, others are not', async () => {
  const limits = { input_tokens: 60_000 };
  const keys = [keyOf('a', { limits, limit_group: 'g' }), keyOf('b', { limits, limit_group: 'g' }), keyOf('c', { max_leases: 1 })];
  const desk = await openDesk({ config: patientPool(keys, { lease: { ttl: '1s', max_ttl: '24h' } }) });
  await desk.admin.revoke(await leased(desk, { inputTokens: 60_000, excluded: new Set(['c']) }));
  const id = await leased(desk);
  const big = { inputTokens: 30_000, excluded: new Set(['b', 'c']), holder: 'big' };
  const [first] = await inLine(desk, [big]);
  const small = Array.from({ length: OVERTAKINGS_MAX + 4 }, () => desk.ask({ inputTokens: 100, ttlMs: HOUR_MS }));
  await pass(10_000);
  expect(small.filter(({ answer }) => answer?.ok)).toHaveLength(OVERTAKINGS_MAX);
  await desk.leases.release('anonymous', id);
  await settle();
  expect(small.filter((call) => fate(call) === 'c')).toHaveLength(1);
  expect(fate(first as Asked)).toBe('waits');
  await pass(30_000);
  expect(fate(first as Asked)).toBe('a');
});

test.each<{ line: string; pool: ConfigContent }>([
  { line: 'long', pool: {} },
  { line: 'full', pool: { waiting: { max_wait: '10m', max_waiters: 40 } } },
])('a repeated request id does not wait for the lease that it already has, however $line the line is', async ({ pool }) => {
  const desk = await openDesk({ config: patientPool([keyOf('a', { max_leases: 1 })], { lease: { ttl: '60s', max_ttl: '24h' }, ...pool }) });
  const wish = { requestId: 'r', contentHash: 'same' };
  const id = await leased(desk, wish);
  await inLine(
    desk,
    Array.from({ length: 40 }, () => ({})),
  );
  const [again, other] = [desk.ask(wish), desk.ask({ ...wish, contentHash: 'other' })];
  await settle();
  expect([leaseIdOf(again), fate(other), again.at]).toEqual([id, 'request_id_reused', 0]);
});
