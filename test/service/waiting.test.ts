import { describe, expect, test, vi } from 'vitest';
import { keyOf, onePool } from '../support/app.ts';
import { START } from '../support/clock.ts';
import { type Asked, type Desk, fate, leaseIdOf, openDesk, pass, patientPool, settle } from './desk.ts';

const RATE_LIMIT = (limit: number, remaining: number, resetInMs: number) =>
  new Map([
    ['anthropic-ratelimit-requests-limit', String(limit)],
    ['anthropic-ratelimit-requests-remaining', String(remaining)],
    ['anthropic-ratelimit-requests-reset', new Date(Date.now() + resetInMs).toISOString()],
  ]);

/** Reports a response of the provider on a lease. */
async function tell({ leases }: Desk, leaseId: string, status: number, headers: ReadonlyMap<string, string> = new Map()) {
  const call = {
    leaseId,
    status,
    headers,
    errorBody: '',
    usage: null,
    requestTime: Date.now(),
    responseTime: Date.now(),
    inProgress: false,
  };
  const reported = await leases.report('anonymous', call);
  expect(reported.ok).toBe(true);
}

async function leased(desk: Desk, wish = {}): Promise<string> {
  const asked = desk.ask(wish);
  await settle();
  return leaseIdOf(asked);
}

async function asked(desk: Desk, count: number, wish = {}): Promise<Asked[]> {
  const all = Array.from({ length: count }, () => desk.ask(wish));
  await settle();
  expect(all.map(fate)).toEqual(all.map(() => 'waits'));
  return all;
}

const fates = (all: readonly Asked[]) => all.map(fate).join(' ');

describe('whoever fits is woken by what made room:', () => {
  const oneLeaseEach = (...ids: string[]) => patientPool(ids.map((id) => keyOf(id, { max_leases: 1 })));

  test('a lease released', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    const id = await leased(desk);
    const waiting = await asked(desk, 2);
    await desk.leases.release('anonymous', id);
    await settle();
    expect(fates(waiting)).toBe('a waits');
  });

  test('a lease reported on', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    const id = await leased(desk);
    const waiting = await asked(desk, 2);
    await tell(desk, id, 200);
    await settle();
    expect(fates(waiting)).toBe('a waits');
  });

  test('a lease revoked', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    const id = await leased(desk);
    const waiting = await asked(desk, 2);
    await desk.admin.revoke(id);
    await settle();
    expect(fates(waiting)).toBe('a waits');
  });

  test('a lease expired, at the millisecond', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    await leased(desk);
    const waiting = await asked(desk, 2, { ttlMs: 1_000 });
    await pass(59_999);
    expect(fates(waiting)).toBe('waits waits');
    await pass(1);
    expect(fates(waiting)).toBe('a waits');
    await pass(1_000);
    expect(waiting.map(({ at }) => at)).toEqual([60_000, 61_000]);
  });

  test('a report that teaches more room than was known', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { requests: 2 } })]) });
    const id = await leased(desk);
    await leased(desk);
    const waiting = await asked(desk, 3);
    await tell(desk, id, 200, RATE_LIMIT(50, 3, 60_000));
    await settle();
    expect(fates(waiting)).toBe('a a waits');
  });

  test('a bucket that refilled, at the millisecond and one at a time', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { requests: 60 } })]) });
    await desk.admin.revoke(await leased(desk, { requests: 60 }));
    const waiting = await asked(desk, 3);
    await pass(3_000);
    expect(waiting.map(({ at }) => at)).toEqual([1_000, 2_000, 3_000]);
  });

  test('a fixed window that was reset', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a')], { provider: 'generic' }) });
    const headers = { 'x-ratelimit-limit': '2', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '7' };
    await tell(desk, await leased(desk), 200, new Map(Object.entries(headers)));
    const waiting = await asked(desk, 3);
    await pass(7_000);
    expect(fates(waiting)).toBe('a a waits');
    expect(waiting[0]?.at).toBe(7_000);
  });

  test('a cooldown that is over', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a', { limits: { requests: 1_000 } })]) });
    await tell(desk, await leased(desk), 429, new Map([['retry-after', '9']]));
    const waiting = await asked(desk, 2);
    await pass(9_000);
    expect(waiting.map(({ at }) => at)).toEqual([9_000, 9_000]);
  });

  test('a key made well', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a'), keyOf('b', { max_leases: 1 })]) });
    await leased(desk, { excluded: new Set(['a']) });
    const sick = { target: { pool: '', keyId: 'a' }, reason: 'operator', message: '', cooldownMs: null } as const;
    await desk.leases.markUnhealthy('anonymous', sick);
    const waiting = await asked(desk, 2);
    await desk.admin.markHealthy('', 'a');
    await settle();
    expect(fates(waiting)).toBe('a a');
  });

  test('a key enabled', async () => {
    const desk = await openDesk({ config: patientPool([keyOf('a'), keyOf('b', { max_leases: 1 })]) });
    await leased(desk, { excluded: new Set(['a']) });
    await desk.admin.drain('', 'a');
    const waiting = await asked(desk, 2);
    await desk.admin.enable('', 'a');
    await settle();
    expect(fates(waiting)).toBe('a a');
  });

  test('a configuration with one more key', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    await leased(desk);
    const waiting = await asked(desk, 3);
    await desk.put(oneLeaseEach('a', 'b', 'c'));
    await settle();
    expect(fates(waiting)).toBe('b c waits');
  });

  test('a lease that is overdue, although no timer has told of it yet', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    await leased(desk);
    const waiting = await asked(desk, 2);
    vi.setSystemTime(START + 60_001);
    desk.waiting.wakeAll();
    await settle();
    expect(fates(waiting)).toBe('a waits');
  });

  test('nothing else: a line that is empty sets no timer', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    await leased(desk);
    const timers = vi.getTimerCount();
    const [only] = await asked(desk, 1);
    expect(vi.getTimerCount()).toBeGreaterThan(timers);
    only?.cancel();
    expect(vi.getTimerCount()).toBe(timers);
  });

  test('nothing else: while nothing happens no timer fires but those of the ends that are known', async () => {
    const desk = await openDesk({ config: oneLeaseEach('a') });
    await leased(desk, { ttlMs: 50_000 });
    const waiting = [...(await asked(desk, 1, { maxWaitMs: 20_000 })), ...(await asked(desk, 99, { maxWaitMs: 40_000 }))];
    const fired = new Set<number>();
    await pass(50_000, () => fired.add(Date.now() - START));
    expect([...fired]).toEqual([20_000, 40_000, 50_000]);
    expect(new Set(waiting.map(fate))).toEqual(new Set(['exhausted']));
    expect(vi.getTimerCount()).toBe(0);
  });
});

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
