import { describe, expect, test, vi } from 'vitest';
import { keyOf } from '../support/app.ts';
import { START } from '../support/clock.ts';
import { asked, fate, fates, leased, openDesk, pass, patientPool, RATE_LIMIT, settle, tell } from './desk.ts';

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
