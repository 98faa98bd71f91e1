import { describe, expect, test } from 'vitest';
import type { Meter } from '../../src/pool/model.ts';
import { HOUR, MINUTE, SECOND, START } from '../support/clock.ts';
import { aMinute, makeJudgement, makeObservation, makeProvider } from '../support/make.ts';
import { World } from '../support/world.ts';

const LIMITS = aMinute({ requests: 60, input_tokens: 6_000, output_tokens: 600 });
const ONE = { keys: [{ id: 'a', limits: LIMITS }] };
const ASK = { inputTokens: 1_000, outputTokens: 100 };

/** What is held and what is missing, by meter. */
const sums = (meters: readonly Meter[]) => meters.map(({ reserved, deficit }) => [reserved, deficit]);

describe('settling', () => {
  test('puts what was used in the place of what was held', () => {
    const world = new World(ONE);
    const lease = world.lease(ASK);
    expect(sums(world.meters())).toEqual([
      [1, 0],
      [1_000, 0],
      [100, 0],
    ]);
    expect(world.report(lease, { used: { inputTokens: 300, outputTokens: 20 } })).toMatchObject({ settled: true, underWay: false });
    expect(sums(world.meters())).toEqual([
      [0, 1],
      [0, 300],
      [0, 20],
    ]);
    expect(world.key()).toMatchObject({ activeLeases: 0, lastReportTime: START });
  });

  test('lets the estimate stand where nothing is said of usage', () => {
    const world = new World(ONE);
    world.report(world.lease(ASK));
    expect(sums(world.meters())).toEqual([
      [0, 1],
      [0, 1_000],
      [0, 100],
    ]);
  });

  test.each([
    { rule: 'does not count', failedTokensCount: false, tokens: 0 },
    { rule: 'counts', failedTokensCount: true, tokens: 1_000 },
  ])('$rule the tokens of a refused call where the provider $rule them', ({ failedTokensCount, tokens }) => {
    const world = new World({ ...ONE, provider: makeProvider({ failedTokensCount }) });
    world.report(world.lease(ASK), { status: 429, judgement: makeJudgement({ verdict: 'rate_limited', scope: 'key' }) });
    expect(sums(world.meters()).slice(0, 2)).toEqual([
      [0, 1],
      [0, tokens],
    ]);
  });

  test('counts the tokens of a call that failed otherwise', () => {
    const world = new World(ONE);
    world.report(world.lease(ASK), { status: 500, judgement: makeJudgement({ verdict: 'server_error' }) });
    expect(sums(world.meters())).toEqual([
      [0, 1],
      [0, 1_000],
      [0, 100],
    ]);
  });

  test('happens once: a second report counts nothing', () => {
    const world = new World(ONE);
    const lease = world.lease(ASK);
    const told = { used: { inputTokens: 300, outputTokens: 20 } };
    world.report(lease, told);
    const before = sums(world.meters());
    expect(world.report(lease, told)).toMatchObject({ settled: false, underWay: false });
    expect(sums(world.meters())).toEqual(before);
    expect(world.key()).toMatchObject({ activeLeases: 0 });
  });

  test('remembers the request id as settled', () => {
    const world = new World();
    const lease = world.lease({ requestId: 'r' });
    world.report(lease);
    expect(world.ask({ requestId: 'r' })).toMatchObject({ kind: 'repeated', record: { end: 'settled', lease: { requestsReported: 1 } } });
  });

  test('teaches what calls of the class use, where they went well', () => {
    const world = new World();
    world.report(world.lease(ASK), { used: { inputTokens: 300, outputTokens: 20 } });
    const failed = { status: 400, judgement: makeJudgement({ verdict: 'client_error' }), used: { inputTokens: 9_000, outputTokens: 0 } };
    world.report(world.lease(ASK), failed);
    expect(world.lease({ inputTokens: null, outputTokens: null }).held).toEqual({ requests: 1, inputTokens: 300, outputTokens: 20 });
  });
});

describe('a lease that covers several requests', () => {
  test('settles by parts, and is over with the last', () => {
    const world = new World(ONE);
    const lease = world.lease({ requests: 3, inputTokens: 1_000, outputTokens: 100 });
    const told = { used: { inputTokens: 300, outputTokens: 20 } };
    expect(world.report(lease, told)).toMatchObject({ settled: false, underWay: true, lease: { requestsReported: 1 } });
    expect(sums(world.meters())).toEqual([
      [2, 1],
      [666, 300],
      [66, 20],
    ]);
    expect(world.report(lease, told)).toMatchObject({ settled: false, underWay: true });
    expect(sums(world.meters())).toEqual([
      [1, 2],
      [333, 600],
      [33, 40],
    ]);
    expect(world.report(lease, told)).toMatchObject({ settled: true, underWay: false, lease: { requestsReported: 3 } });
    expect(sums(world.meters())).toEqual([
      [0, 3],
      [0, 900],
      [0, 60],
    ]);
    expect(world.report(lease, told)).toMatchObject({ settled: false });
  });

  test('is never contained in an observation before it is reported: nobody knows when its requests are sent', () => {
    const world = new World(ONE);
    world.lease({ requests: 3 });
    const other = world.lease();
    world.advance(30 * SECOND);
    world.report(other, { requestTime: world.now - SECOND, observations: [makeObservation({ remaining: 50, resetInMs: 10 * SECOND })] });
    expect(world.meters()[0]).toMatchObject({ reserved: 3, deficit: 10 });
  });

  test('gives back what is left of it', () => {
    const world = new World(ONE);
    const lease = world.lease({ requests: 3, inputTokens: 1_000, outputTokens: 100 });
    world.report(lease, { used: { inputTokens: 300, outputTokens: 20 } });
    world.end(lease, 'released');
    expect(sums(world.meters())).toEqual([
      [0, 1],
      [0, 300],
      [0, 20],
    ]);
  });
});

describe('learning', () => {
  const observations = [makeObservation({ remaining: 40, resetInMs: 20 * SECOND })];

  test('from a call that still runs settles nothing', () => {
    const world = new World(ONE);
    const lease = world.lease(ASK);
    world.advance(SECOND);
    expect(world.report(lease, { inProgress: true, observations })).toMatchObject({ settled: false, underWay: true });
    expect(sums(world.meters())).toEqual([
      [0, 20],
      [1_000, 0],
      [100, 0],
    ]);
    expect(world.key()).toMatchObject({ activeLeases: 1 });
    world.advance(SECOND).report(lease, { used: { inputTokens: 300, outputTokens: 20 } });
    expect(sums(world.meters())[1]).toEqual([0, 300]);
    expect(world.key()).toMatchObject({ activeLeases: 0 });
  });

  test('from a report after the lease has expired settles nothing', () => {
    const world = new World(ONE);
    const lease = world.lease(ASK);
    world.advance(MINUTE + SECOND);
    const expired = sums(world.meters());
    expect(world.report(lease, { observations, used: { inputTokens: 9, outputTokens: 9 } })).toMatchObject({
      settled: false,
      underWay: false,
    });
    expect(sums(world.meters()).slice(1)).toEqual(expired.slice(1));
    expect(world.meters()[0]).toMatchObject({ source: 'learned', limit: 60 });
    expect(world.facts.state.usage).toEqual({});
  });

  test('from a call with an older secret is refused, and its lease is settled', () => {
    const world = new World(ONE);
    const lease = world.lease(ASK);
    world.reload({ keys: [{ id: 'a', limits: LIMITS, fingerprint: 'new' }] });
    const dead = makeJudgement({ verdict: 'invalid_credential', scope: 'key' });
    expect(world.report(lease, { observations, judgement: dead, status: 401, account: 'org' })).toMatchObject({
      settled: true,
      scope: 'request',
      until: null,
      joinedGroup: null,
    });
    expect(world.view()).toMatchObject({ state: 'available', activeLeases: 0, limitGroup: 'a' });
    expect(world.meters()[0]).toMatchObject({ source: 'configured', reserved: 0, deficit: 1 });
  });

  test('by one class says nothing of another', () => {
    const world = new World(ONE);
    world.report(world.lease({ modelClass: 'opus' }), { observations: [makeObservation({ remaining: 0, resetInMs: MINUTE })] });
    expect(world.ask({ modelClass: 'haiku' }).kind).toBe('granted');
    expect(world.ask({ modelClass: 'opus' }).kind).toBe('exhausted');
  });

  test('counts a call that may have been overtaken on top of an observation that may not know of it', () => {
    const world = new World(ONE);
    const [first, second] = [world.lease(), world.lease()];
    world.advance(SECOND);
    const at = (ms: number) => ({ requestTime: START + ms, responseTime: START + ms + 200 });
    world.report(first, { ...at(0), observations: [makeObservation({ remaining: 57, resetInMs: 3 * SECOND })] });
    world.report(second, { ...at(50), observations: [makeObservation({ remaining: 58, resetInMs: 2 * SECOND })] });
    const [requests] = world.meters();
    expect(requests!.limit - requests!.deficit).toBeLessThan(58);
  });
});

describe('a key that has left the configuration', () => {
  const SHARED = {
    keys: [
      { id: 'a', limitGroup: 'org', limits: LIMITS },
      { id: 'b', limitGroup: 'org', limits: LIMITS },
    ],
  };
  const REST = { keys: [{ id: 'b', limitGroup: 'org', limits: LIMITS }] };

  test('has its leases settled, and gives back what they held to its group', () => {
    const world = new World(SHARED);
    const lease = world.lease({ ...ASK, excluded: new Set(['b']), requestId: 'r' });
    world.reload(REST);
    expect(world.report(lease, { used: { inputTokens: 300, outputTokens: 20 } })).toMatchObject({ settled: true, underWay: false });
    expect(sums(world.meters('', 'org'))).toEqual([
      [0, 1],
      [0, 300],
      [0, 20],
    ]);
    expect(world.ask({ requestId: 'r' })).toMatchObject({ kind: 'repeated', record: { end: 'settled' } });
  });

  test('comes back with no lease too many', () => {
    const world = new World(SHARED);
    const lease = world.lease({ excluded: new Set(['b']) });
    world.reload(REST);
    world.report(lease);
    world.reload(SHARED);
    expect(world.key('a')).toMatchObject({ activeLeases: 0 });
  });
});

test('the advice and the end of what is passed over come with the answer', () => {
  const world = new World();
  const overloaded = makeJudgement({ verdict: 'overloaded', scope: 'provider', waitMs: HOUR });
  expect(world.report(world.lease(), { status: 529, judgement: overloaded })).toMatchObject({
    scope: 'provider',
    until: START + HOUR,
    retry: { action: 'after_delay', delayMs: HOUR },
  });
});
