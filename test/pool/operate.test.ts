import { describe, expect, test } from 'vitest';
import type { Reason } from '../../src/pool/model.ts';
import { DAY, HOUR, MINUTE, SECOND, START } from '../support/clock.ts';
import { makeJudgement } from '../support/make.ts';
import { World } from '../support/world.ts';

describe('a mark', () => {
  test.each<{ reason: Reason; state: string; until: number | null; later: string }>([
    { reason: 'rate_limited', state: 'cooldown', until: SECOND, later: 'available' },
    { reason: 'overloaded', state: 'cooldown', until: SECOND, later: 'available' },
    { reason: 'server_error', state: 'cooldown', until: 10 * SECOND, later: 'probation' },
    { reason: 'no_response', state: 'cooldown', until: 10 * SECOND, later: 'probation' },
    { reason: 'billing', state: 'unhealthy', until: HOUR, later: 'probation' },
    { reason: 'permission_denied', state: 'unhealthy', until: HOUR, later: 'probation' },
    { reason: 'invalid_credential', state: 'unhealthy', until: HOUR, later: 'probation' },
    { reason: 'operator', state: 'unhealthy', until: null, later: 'unhealthy' },
  ])('for $reason makes a key $state, and then $later', ({ reason, state, until, later }) => {
    const world = new World();
    expect(world.mark('a', reason, { message: 'why' })).toEqual({ applied: true, note: '' });
    expect(world.view()).toMatchObject({ state, reason, message: 'why', availableTime: until === null ? null : START + until });
    expect(world.advance(until ?? 365 * DAY).view()).toMatchObject({ state: later });
  });

  test('with a time is a cooldown, whatever the reason, and then over', () => {
    const world = new World();
    world.mark('a', 'billing', { cooldownMs: MINUTE });
    expect(world.view()).toMatchObject({ state: 'cooldown', reason: 'billing', availableTime: START + MINUTE });
    expect(world.advance(MINUTE).view().state).toBe('available');
  });

  test('does not shorten a longer one', () => {
    const world = new World();
    world.mark('a', 'rate_limited', { cooldownMs: HOUR });
    world.mark('a', 'rate_limited', { cooldownMs: SECOND });
    expect(world.view().availableTime).toBe(START + HOUR);
  });

  test('by a lease of a secret that was rotated since is refused, and changes nothing', () => {
    const world = new World();
    const lease = world.lease();
    world.reload({ keys: [{ id: 'a', fingerprint: 'new' }] });
    const outcome = world.mark('a', 'invalid_credential', { lease });
    expect(outcome.applied).toBe(false);
    expect(outcome.note).toContain('rotated');
    expect(world.view().state).toBe('available');
  });

  test.each<Reason>(['invalid_credential', 'permission_denied', 'billing', 'operator'])(
    'for %s takes as many distinct holders as the pool asks for',
    (reason) => {
      const world = new World({ unhealthyAfter: 2 });
      const by = (holder: string) => world.mark('a', reason, { lease: world.lease({ holder }) });
      expect(by('one')).toMatchObject({ applied: false, note: expect.stringContaining('1 of the 2') });
      expect(by('one').applied).toBe(false);
      expect(by('two').applied).toBe(true);
      expect(world.view().state).toBe('unhealthy');
    },
  );

  test('of one holder and the report of another count together', () => {
    const world = new World({ unhealthyAfter: 2 });
    world.mark('a', 'invalid_credential', { lease: world.lease({ holder: 'one' }) });
    world.report(world.lease({ holder: 'two' }), {
      status: 401,
      judgement: makeJudgement({ verdict: 'invalid_credential', scope: 'key' }),
    });
    expect(world.view().state).toBe('unhealthy');
  });

  test('by an operator needs no witness', () => {
    const world = new World({ unhealthyAfter: 5 });
    expect(world.mark('a', 'invalid_credential').applied).toBe(true);
  });

  test('for something that ends by itself needs no witness', () => {
    const world = new World({ unhealthyAfter: 5 });
    expect(world.mark('a', 'rate_limited', { lease: world.lease() }).applied).toBe(true);
  });
});

describe('marking healthy', () => {
  test('ends all that the key suffers from, for every model, and what its limit group suffers from', () => {
    const world = new World();
    const [one, two, three] = [world.lease({ modelClass: 'opus' }), world.lease(), world.lease()];
    world.report(one, { judgement: makeJudgement({ verdict: 'forbidden', scope: 'key_model' }) });
    world.report(two, { judgement: makeJudgement({ verdict: 'billing', scope: 'limit_group' }) });
    world.report(three, { judgement: makeJudgement({ verdict: 'invalid_credential', scope: 'key' }) });
    world.heal('a');
    expect(world.view('a', 'opus')).toMatchObject({ state: 'available', reason: null });
    expect(world.ask({ modelClass: 'opus' }).kind).toBe('granted');
  });

  test('starts the breaker anew', () => {
    const world = new World();
    const fail = () => world.report(world.lease(), { status: 500, judgement: makeJudgement({ verdict: 'server_error' }) });
    for (let n = 0; n < 4; n += 1) fail();
    world.heal('a');
    for (let n = 0; n < 4; n += 1) fail();
    expect(world.view().state).toBe('available');
  });
});

describe('draining', () => {
  test('gives no new lease, and lets those under way go on', () => {
    const world = new World();
    const lease = world.lease();
    world.drain('a');
    expect(world.refusal()).toMatchObject({ kind: 'no_healthy_keys', counts: { draining: 1 } });
    expect(world.view()).toMatchObject({ state: 'draining', message: 'draining, 1 leases out', activeLeases: 1 });
    expect(world.renew(lease, 5 * MINUTE).expireTime).toBe(START + 5 * MINUTE);
    expect(world.report(lease)).toMatchObject({ settled: true });
  });

  test('ends when it is told to', () => {
    const world = new World();
    world.drain('a');
    world.drain('a', false);
    expect(world.ask().kind).toBe('granted');
  });
});
