import { describe, expect, test } from 'vitest';
import { REQUEST_ID_MEMORY_MS } from '../../src/pool/acquire.ts';
import { MINUTE, SECOND, START } from '../support/clock.ts';
import { aMinute } from '../support/make.ts';
import { World } from '../support/world.ts';

const LIMITS = aMinute({ requests: 60, input_tokens: 6_000, output_tokens: 600 });

describe('a grant', () => {
  test('is a lease with an id of its own on a key with room', () => {
    const world = new World({ keys: [{ id: 'a', limits: LIMITS }] });
    expect(world.lease({ inputTokens: 100, outputTokens: 10, holder: 'me', modelClass: 'opus' })).toEqual({
      id: 'lease-1',
      pool: 'p',
      keyId: 'a',
      group: 'a',
      modelClass: 'opus',
      holder: 'me',
      secretVersion: 1,
      acquireTime: START,
      expireTime: START + MINUTE,
      requests: 1,
      requestsReported: 0,
      held: { requests: 1, inputTokens: 100, outputTokens: 10 },
      sentTime: START + SECOND,
      answerTime: null,
      requestId: '',
    });
  });

  test('tells the id maker everything that a lease must tell once it is gone, and no more', () => {
    const world = new World();
    const { id: _, held: __, requestsReported: ___, sentTime: ____, answerTime: _____, requestId: ______, ...claims } = world.lease();
    expect(world.minted).toEqual([claims]);
  });

  test('holds its demand for its class alone, and counts on its key', () => {
    const world = new World({ keys: [{ id: 'a', limits: LIMITS }] });
    world.lease({ modelClass: 'opus', inputTokens: 100, outputTokens: 10 });
    expect(world.meters('opus').map(({ reserved }) => reserved)).toEqual([1, 100, 10]);
    expect(Object.keys(world.group().meters)).toEqual(['opus']);
    expect(world.key()).toMatchObject({ activeLeases: 1 });
    expect(world.key().lastGrant).toBeGreaterThan(0);
  });

  test('tells the score of the key after it', () => {
    const world = new World({ keys: [{ id: 'a', limits: aMinute({ requests: 4 }) }] });
    expect(world.ask()).toMatchObject({ kind: 'granted', score: 0.875 });
  });

  test.each([
    { rule: 'as long as the pool says, where nothing is asked for', ttlMs: null, lasts: MINUTE },
    { rule: 'as long as is asked for', ttlMs: 5 * SECOND, lasts: 5 * SECOND },
    { rule: 'no longer than the longest of the pool', ttlMs: 60 * MINUTE, lasts: 15 * MINUTE },
  ])('lasts $rule', ({ ttlMs, lasts }) => {
    expect(new World().lease({ ttlMs }).expireTime).toBe(START + lasts);
  });

  test('of several requests does not know when they are sent', () => {
    expect(new World().lease({ requests: 5 })).toMatchObject({ requests: 5, sentTime: null, held: { requests: 5 } });
  });

  test('without an estimate holds no more than the limits allow', () => {
    const world = new World({ keys: [{ id: 'a', limits: LIMITS }] });
    world.report(world.lease(), { used: { inputTokens: 90_000, outputTokens: 20 } });
    world.advance(MINUTE);
    expect(world.lease({ inputTokens: null, outputTokens: null }).held).toEqual({ requests: 1, inputTokens: 6_000, outputTokens: 20 });
  });

  test('leaves no record of a limit group of which nothing is known', () => {
    const world = new World();
    world.lease();
    expect(world.facts.group('a')).toBeUndefined();
  });

  test('never holds more than the limit, however many ask', () => {
    const world = new World({
      keys: [
        { id: 'a', limits: LIMITS },
        { id: 'b', limits: LIMITS },
      ],
    });
    const outcomes = Array.from({ length: 300 }, () => world.ask({ outputTokens: 7 }).kind);
    expect(outcomes.filter((kind) => kind === 'granted')).toHaveLength(2 * 60);
    expect([...world.meters('', 'a'), ...world.meters('', 'b')].map(({ reserved }) => reserved)).toEqual([60, 0, 420, 60, 0, 420]);
  });
});

describe('a request id', () => {
  const ASK = { requestId: 'r', contentHash: 'c' };

  test('that is repeated gets the same lease, as it stands now, and no second one', () => {
    const world = new World();
    const lease = world.lease(ASK);
    const renewed = world.renew(lease, 5 * MINUTE);
    expect(world.ask(ASK)).toEqual({ kind: 'repeated', record: expect.objectContaining({ lease: renewed, end: null }) });
    expect(world.key()).toMatchObject({ activeLeases: 1 });
  });

  test('is repeated even where no key has room any more', () => {
    const world = new World({ keys: [{ id: 'a', leasesMax: 1 }] });
    world.lease(ASK);
    expect(world.ask(ASK).kind).toBe('repeated');
  });

  test('with another content is refused', () => {
    const world = new World();
    world.lease(ASK);
    expect(world.ask({ ...ASK, contentHash: 'd' })).toEqual({ kind: 'request_id_reused' });
  });

  test('of another holder is another one', () => {
    const world = new World();
    world.lease(ASK);
    expect(world.ask({ ...ASK, holder: 'other' }).kind).toBe('granted');
  });

  test('is forgotten an hour after the latest possible end of its lease, and not before', () => {
    const world = new World();
    world.lease(ASK);
    world.advance(15 * MINUTE + REQUEST_ID_MEMORY_MS - 1);
    expect(world.ask(ASK)).toMatchObject({ kind: 'repeated', record: { end: 'expired' } });
    expect(world.advance(1).ask(ASK).kind).toBe('granted');
  });

  test('that was refused is free for another try', () => {
    const world = new World({ keys: [{ id: 'a', leasesMax: 1 }] });
    world.end(world.lease(), 'released');
    world.lease();
    expect(world.ask(ASK).kind).toBe('exhausted');
    world.advance(MINUTE);
    expect(world.ask(ASK).kind).toBe('granted');
  });

  test('that is empty is none', () => {
    const world = new World();
    expect([world.lease().id, world.lease().id]).toEqual(['lease-1', 'lease-2']);
  });
});

describe('among keys with room', () => {
  test('a lower tier is used only when no key of a higher one has room', () => {
    const world = new World({
      keys: [
        { id: 'spare', priority: 1 },
        { id: 'main', priority: 2, leasesMax: 2 },
      ],
    });
    expect([world.keyFor(), world.keyFor(), world.keyFor()]).toEqual(['main', 'main', 'spare']);
    world.advance(MINUTE);
    expect(world.keyFor()).toBe('main');
  });

  test('an excluded key is not taken, whatever its tier', () => {
    const world = new World({ keys: [{ id: 'a', priority: 9 }, { id: 'b' }] });
    expect(world.keyFor({ excluded: new Set(['a']) })).toBe('b');
  });

  test('an affinity keeps to one key while it has room, moves when it has none, and returns', () => {
    const world = new World({ keys: ['a', 'b', 'c', 'd'].map((id) => ({ id })) });
    const keys = Array.from({ length: 20 }, () => world.keyFor({ affinity: 'chat' }));
    const [home] = keys;
    expect(new Set(keys).size).toBe(1);
    world.drain(home!);
    const away = world.keyFor({ affinity: 'chat' });
    expect(away).not.toBe(home);
    expect(world.keyFor({ affinity: 'chat' })).toBe(away);
    world.drain(home!, false);
    expect(world.keyFor({ affinity: 'chat' })).toBe(home);
  });

  test('an affinity does not lift a key out of its tier', () => {
    const world = new World({
      keys: [
        { id: 'main', priority: 2 },
        { id: 'spare', priority: 1 },
      ],
    });
    const keys = Array.from({ length: 50 }, (_, n) => world.keyFor({ affinity: `chat ${n}` }));
    expect(new Set(keys)).toEqual(new Set(['main']));
  });
});
