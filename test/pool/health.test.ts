import { describe, expect, test } from 'vitest';
import type { Judgement, VerdictScope } from '../../src/pool/upstream.ts';
import { DAY, HOUR, MINUTE, SECOND, START } from '../support/clock.ts';
import { makeJudgement, makeObservation } from '../support/make.ts';
import { World } from '../support/world.ts';

const RATE_LIMITED = makeJudgement({ verdict: 'rate_limited', scope: 'key' });
const DEAD = makeJudgement({ verdict: 'invalid_credential', scope: 'key' });
const FAILED = makeJudgement({ verdict: 'server_error' });
const waiting = (judgement: Judgement, waitMs: number): Judgement => ({ ...judgement, waitMs });

/** Leases, and reports what came of it. */
function call(world: World, judgement: Judgement, ask: Parameters<World['lease']>[0] = {}) {
  return world.report(world.lease(ask), { judgement, status: judgement.verdict === 'ok' ? 200 : 500 });
}

describe('a rate limit', () => {
  test('is passed over for as long as the response says', () => {
    const world = new World();
    expect(call(world, waiting(RATE_LIMITED, 16 * SECOND))).toMatchObject({ scope: 'key', until: START + 16 * SECOND });
    expect(world.advance(16 * SECOND - 1).view()).toMatchObject({ state: 'cooldown', reason: 'rate_limited' });
    expect(world.advance(1).view().state).toBe('available');
  });

  test('without a word on the wait lasts until the emptied limit has room again', () => {
    const world = new World();
    const observations = [makeObservation({ remaining: 0, resetInMs: MINUTE })];
    expect(world.report(world.lease(), { judgement: RATE_LIMITED, observations }).until).toBe(START + SECOND);
  });

  test('without any word is tried again soon, and later each time', () => {
    const world = new World();
    const waits = Array.from({ length: 4 }, () => {
      const { until } = call(world, RATE_LIMITED);
      const wait = until! - world.now;
      world.now = until!;
      return wait;
    });
    expect(waits).toEqual([1, 2, 4, 8].map((seconds) => seconds * SECOND));
    call(world, makeJudgement());
    expect(call(world, RATE_LIMITED).until).toBe(world.now + SECOND);
  });

  test('that is told several times at once is one blow', () => {
    const world = new World();
    const leases = [world.lease(), world.lease(), world.lease()];
    world.advance(10);
    const untils = leases.map((lease) => world.report(lease, { judgement: RATE_LIMITED }).until);
    expect(untils).toEqual(leases.map(() => world.now + SECOND));
    expect(world.key().block).toMatchObject({ strikes: 1 });
  });

  test('with a short wait does not shorten a long cooldown', () => {
    const world = new World();
    const [first, second] = [world.lease(), world.lease()];
    world.report(first, { judgement: waiting(RATE_LIMITED, HOUR) });
    expect(world.report(second, { judgement: waiting(RATE_LIMITED, SECOND) }).until).toBe(START + HOUR);
    expect(world.refusal()).toMatchObject({ kind: 'exhausted', retryTime: START + HOUR });
  });

  test('of a limit group takes every key of the group out for that class, and no other class', () => {
    const world = new World({ keys: [{ id: 'a', limitGroup: 'org' }, { id: 'b', limitGroup: 'org' }, { id: 'c' }] });
    call(world, waiting({ ...RATE_LIMITED, scope: 'limit_group' }, MINUTE), { modelClass: 'opus' });
    expect(world.refusal({ modelClass: 'opus', excluded: new Set(['c']) })).toMatchObject({ counts: { cooldown: 2, excluded: 1 } });
    expect(world.ask({ modelClass: 'haiku', excluded: new Set(['c']) }).kind).toBe('granted');
  });
});

describe('successes', () => {
  test('that ask to wait never cool a key down', () => {
    const world = new World();
    expect(call(world, waiting(makeJudgement(), HOUR))).toMatchObject({ scope: 'request', until: null });
    expect(world.view().state).toBe('available');
  });

  test('from before a cooldown do not end it', () => {
    const world = new World();
    const [early, limited] = [world.lease(), world.lease()];
    world.advance(SECOND).report(limited, { judgement: waiting(RATE_LIMITED, MINUTE) });
    world.report(early);
    expect(world.view().state).toBe('cooldown');
  });
});

describe('a dead credential', () => {
  test('is not handed out again', () => {
    const world = new World();
    expect(call(world, DEAD)).toMatchObject({ scope: 'key' });
    expect(world.view()).toMatchObject({ state: 'unhealthy', reason: 'invalid_credential' });
    expect(world.refusal()).toMatchObject({ kind: 'no_healthy_keys', counts: { keys: 1, unhealthy: 1 } });
  });

  test('takes as many distinct holders as the pool asks for', () => {
    const world = new World({ unhealthyAfter: 2 });
    call(world, DEAD, { holder: 'one' });
    call(world, DEAD, { holder: 'one' });
    expect(world.view().state).toBe('available');
    call(world, DEAD, { holder: 'two' });
    expect(world.view().state).toBe('unhealthy');
  });

  test('needs its witnesses anew after a success', () => {
    const world = new World({ unhealthyAfter: 2 });
    call(world, DEAD, { holder: 'one' });
    call(world, makeJudgement(), { holder: 'three' });
    call(world, DEAD, { holder: 'two' });
    expect(world.view().state).toBe('available');
  });
});

describe('server errors', () => {
  test('one by one are the bad luck of requests, five in a row take the key out', () => {
    const world = new World();
    for (let n = 1; n < 5; n += 1) expect(call(world, FAILED)).toMatchObject({ scope: 'request', until: null });
    expect(world.view().state).toBe('available');
    expect(call(world, FAILED)).toMatchObject({ scope: 'key', until: START + 10 * SECOND });
    expect(world.view()).toMatchObject({ state: 'cooldown', reason: 'server_error' });
  });

  test('with a success in between are not in a row', () => {
    const world = new World();
    for (let n = 0; n < 12; n += 1) call(world, n % 4 === 3 ? makeJudgement() : FAILED);
    expect(world.view().state).toBe('available');
  });

  test('and lost responses count together', () => {
    const world = new World();
    for (let n = 0; n < 5; n += 1) call(world, n % 2 === 0 ? FAILED : makeJudgement({ verdict: 'no_response' }));
    expect(world.view().state).toBe('cooldown');
  });
});

describe('probation', () => {
  /** A key whose breaker has just let it out on probation. */
  function onProbation() {
    const world = new World();
    for (let n = 0; n < 5; n += 1) call(world, FAILED);
    return world.advance(10 * SECOND);
  }

  test('is one lease at a time', () => {
    const world = onProbation();
    expect(world.view().state).toBe('probation');
    const probe = world.lease();
    expect(world.refusal()).toMatchObject({ kind: 'exhausted', retryTime: probe.expireTime, counts: { noRoom: 1 } });
  });

  test('ends with a success', () => {
    const world = onProbation();
    call(world, makeJudgement());
    expect(world.view().state).toBe('available');
    expect([world.ask().kind, world.ask().kind]).toEqual(['granted', 'granted']);
  });

  test('that fails once takes the key out for longer', () => {
    const world = onProbation();
    expect(call(world, FAILED).until).toBe(world.now + 20 * SECOND);
    expect(call(world.advance(20 * SECOND), makeJudgement({ verdict: 'no_response' })).until).toBe(world.now + 40 * SECOND);
  });

  test.each(['released', 'expired', 'revoked'] as const)('goes on with another lease where the probe is %s', (how) => {
    const world = onProbation();
    world.end(world.lease(), how);
    expect(world.view().state).toBe('probation');
    expect(world.ask().kind).toBe('granted');
  });

  test('goes on with another lease where the probe proves nothing', () => {
    const world = onProbation();
    call(world, makeJudgement({ verdict: 'client_error' }));
    expect(world.view().state).toBe('probation');
    expect(world.ask().kind).toBe('granted');
  });

  test.each<{ scope: VerdictScope; of: string }>([
    { scope: 'limit_group', of: 'limit group' },
    { scope: 'key', of: 'key' },
    { scope: 'key_model', of: 'key for one model' },
  ])('of a $of goes on with another lease where the probe proves nothing', ({ scope }) => {
    const world = new World();
    const forbidden = scope === 'key_model' ? 'forbidden' : 'billing';
    call(world, makeJudgement({ verdict: forbidden, scope }), { modelClass: 'opus' });
    world.advance(HOUR);
    call(world, makeJudgement({ verdict: 'client_error' }), { modelClass: 'opus' });
    expect(world.ask({ modelClass: 'opus' }).kind).toBe('granted');
    expect(world.refusal({ modelClass: 'opus' }).kind).toBe('exhausted');
  });
});

describe('what is passed over', () => {
  const TWO = {
    keys: [
      { id: 'a', limitGroup: 'org' },
      { id: 'b', limitGroup: 'org' },
    ],
  };

  test('after an overload is the provider for that model, and no key', () => {
    const world = new World(TWO);
    expect(call(world, makeJudgement({ verdict: 'overloaded', scope: 'provider' }), { modelClass: 'opus' })).toMatchObject({
      scope: 'provider',
      until: START + SECOND,
    });
    expect(world.refusal({ modelClass: 'opus' })).toMatchObject({ counts: { cooldown: 2 }, retryTime: START + SECOND });
    expect(world.ask({ modelClass: 'haiku' }).kind).toBe('granted');
    expect(world.key().block).toBeNull();
    expect(world.advance(SECOND).ask({ modelClass: 'opus' }).kind).toBe('granted');
  });

  test('after spent money is the whole limit group, for every class', () => {
    const world = new World(TWO);
    expect(call(world, makeJudgement({ verdict: 'billing', scope: 'limit_group' }), { modelClass: 'opus' }).until).toBe(START + HOUR);
    expect(world.refusal({ modelClass: 'haiku' })).toMatchObject({ kind: 'no_healthy_keys', counts: { unhealthy: 2 } });
  });

  test('after a forbidden model is the key for that model alone', () => {
    const world = new World({ keys: [{ id: 'a' }] });
    call(world, makeJudgement({ verdict: 'forbidden', scope: 'key_model' }), { modelClass: 'opus' });
    expect(world.view('a', 'opus')).toMatchObject({ state: 'unhealthy', reason: 'permission_denied' });
    expect(world.ask({ modelClass: 'haiku' }).kind).toBe('granted');
  });

  test.each(['client_error', 'environment'] as const)('after a %s is nothing', (verdict) => {
    const world = new World();
    for (let n = 0; n < 20; n += 1) call(world, makeJudgement({ verdict }));
    expect(world.view().state).toBe('available');
  });

  test('until the date that the provider names lasts that long', () => {
    const world = new World();
    const billing = makeJudgement({ verdict: 'billing', scope: 'key', waitMs: 20 * DAY });
    expect(call(world, billing).until).toBe(START + 20 * DAY);
    expect(world.advance(20 * DAY).view().state).toBe('probation');
  });
});
