import { describe, expect, test } from 'vitest';
import { keyOf, onePool } from '../support/app.ts';
import { START } from '../support/clock.ts';
import {
  type Asked,
  asked,
  type Desk,
  fate,
  fates,
  leased,
  leaseIdOf,
  openDesk,
  pass,
  patientPool,
  RATE_LIMIT,
  settle,
  tell,
} from './desk.ts';

describe('the wait ends', () => {
  const busy = (pool = {}) => onePool([keyOf('a', { max_leases: 1 })], { lease: { ttl: '60s' }, ...pool });

  test.each([
    { end: "when the call's own max_wait is over", waiting: '30s', wish: { maxWaitMs: 1_234 }, ends: 1_234 },
    { end: "when the pool's bound is reached", waiting: '2s', wish: { maxWaitMs: 10_000 }, ends: 2_000 },
    { end: "50 ms before the call's deadline", waiting: '30s', wish: { maxWaitMs: 10_000, deadlineMs: 3_000 }, ends: 2_950 },
    { end: 'at once where the deadline is nearer than that', waiting: '30s', wish: { deadlineMs: 20 }, ends: 0 },
  ])('$end, with the moment at which the key has room', async ({ waiting, wish, ends }) => {
    const desk = await openDesk({ config: busy({ waiting: { max_wait: waiting } }) });
    await leased(desk);
    const call = desk.ask(wish);
    await pass(Math.max(0, ends - 1));
    expect(call.at).toBe(ends === 0 ? 0 : undefined);
    await pass(1);
    expect(call.at).toBe(ends);
    expect(call.answer).toMatchObject({ ok: false, problem: { kind: 'exhausted', retryTime: START + 60_000, counts: { noRoom: 1 } } });
    expect(desk.waiting.size('default')).toBe(0);
  });

  test('with a lease where room opens at the very end', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { requests: 60 } })]) });
    await desk.admin.revoke(await leased(desk, { requests: 60 }));
    const [call] = await asked(desk, 1, { maxWaitMs: 1_000 });
    await pass(1_000);
    expect([call?.at, fate(call as Asked)]).toEqual([1_000, 'a']);
  });

  test('with the time spent in line', async () => {
    const desk = await openDesk({ config: busy() });
    const id = await leased(desk);
    const [call] = await asked(desk, 1);
    await pass(1_500);
    await desk.leases.release('anonymous', id);
    await settle();
    expect(call?.answer).toMatchObject({ ok: true, value: { waitedMs: 1_500 } });
  });

  test('at once for one too many in the line, with a moment to ask again', async () => {
    const desk = await openDesk({ config: busy({ waiting: { max_waiters: 3 } }) });
    const id = await leased(desk);
    const waiting = await Promise.all(['x', 'y', 'z'].map(async (holder) => (await asked(desk, 1, { holder }))[0] as Asked));
    const tooMany = desk.ask();
    await settle();
    expect(tooMany.answer).toMatchObject({ ok: false, problem: { kind: 'too_many_waiters', retryTime: START + 1_000 } });
    await desk.leases.release('anonymous', id);
    await settle();
    expect(fates([...waiting, desk.ask()])).toBe('a waits waits waits');
  });

  test('at once for one too many of its holder, and another holder still finds a place', async () => {
    const desk = await openDesk({ config: busy({ waiting: { max_waiters: 10, max_waiters_per_holder: 2 } }) });
    await leased(desk);
    await asked(desk, 2, { holder: 'greedy' });
    const [greedy, modest] = [desk.ask({ holder: 'greedy' }), desk.ask({ holder: 'modest' })];
    await settle();
    expect(fates([greedy, modest])).toBe('too_many_waiters waits');
  });

  test('with UNAVAILABLE when the service drains, and so does every later wait', async () => {
    const desk = await openDesk({ config: busy() });
    await leased(desk);
    const waiting = await asked(desk, 3);
    desk.waiting.drain();
    await settle();
    const later = desk.ask();
    await settle();
    const answers = [...waiting, later].map(({ answer }) => answer);
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ problem: { kind: 'unavailable', why: 'draining' } })));
    expect(desk.waiting.size('default')).toBe(0);
  });

  test('with NOT_FOUND when the pool leaves the configuration', async () => {
    const desk = await openDesk({ config: busy() });
    await leased(desk);
    const waiting = await asked(desk, 2);
    await desk.put({ pools: [{ id: 'another', provider: 'openai', keys: [keyOf('z')] }] });
    await settle();
    expect(fates(waiting)).toBe('not_found not_found');
  });
});

describe('what is handed out after a wait is looked at again:', () => {
  const twoKeys = patientPool([keyOf('a', { max_leases: 1 }), keyOf('b', { max_leases: 1 })]);

  async function bothLeased(desk: Desk) {
    const [one, other] = [await leased(desk), await leased(desk)];
    return { a: one, b: other };
  }

  test('a key that became unhealthy while calls waited is not among it', async () => {
    const desk = await openDesk({ config: twoKeys });
    const { a, b } = await bothLeased(desk);
    const waiting = await asked(desk, 2);
    await tell(desk, a, 401);
    await settle();
    expect(fates(waiting)).toBe('waits waits');
    await desk.leases.release('anonymous', b);
    await settle();
    expect(fates(waiting)).toBe('b waits');
  });

  test('a key that is draining is not among it', async () => {
    const desk = await openDesk({ config: twoKeys });
    const { a } = await bothLeased(desk);
    const waiting = await asked(desk, 2);
    await desk.admin.drain('', 'a');
    await desk.leases.release('anonymous', a);
    await settle();
    expect(fates(waiting)).toBe('waits waits');
  });

  test('once every key is unhealthy or draining all who wait are told so at once', async () => {
    const desk = await openDesk({ config: twoKeys });
    const { a } = await bothLeased(desk);
    const waiting = await asked(desk, 100);
    await desk.admin.drain('', 'b');
    await tell(desk, a, 401);
    await settle();
    expect(new Set(waiting.map(fate))).toEqual(new Set(['no_healthy_keys']));
    expect(new Set(waiting.map(({ at }) => at))).toEqual(new Set([0]));
  });

  test('a demand that a new limit has made impossible is refused, and no other', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { requests: 100 } })]) });
    const id = await leased(desk, { requests: 100 });
    const [small, big] = [desk.ask({ requests: 5 }), desk.ask({ requests: 50 })];
    await settle();
    await tell(desk, id, 200, RATE_LIMIT(20, 0, 60_000));
    await settle();
    expect(fates([small, big])).toBe('waits demand_exceeds_limit');
  });

  test('a repeated request id gets the lease of the first, although both waited', async () => {
    const desk = await openDesk({ config: twoKeys });
    const { a, b } = await bothLeased(desk);
    const wish = { requestId: 'r', contentHash: 'same' };
    const waiting = [...(await asked(desk, 2, wish)), ...(await asked(desk, 1, { requestId: 'r', contentHash: 'other' }))];
    await desk.leases.release('anonymous', a);
    await settle();
    expect(fates(waiting)).toBe('a a request_id_reused');
    expect(leaseIdOf(waiting[0] as Asked)).toBe(leaseIdOf(waiting[1] as Asked));
    expect(await desk.leases.release('anonymous', b)).toMatchObject({ ok: true });
    expect(fate(desk.ask())).toBe('waits');
    await settle();
    expect(await desk.admin.getKey('', 'b')).toMatchObject({ value: { activeLeases: 1 } });
  });
});
