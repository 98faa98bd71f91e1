import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND, START } from '../support/clock.ts';
import { aMinute, makeJudgement, makeObservation } from '../support/make.ts';
import { World } from '../support/world.ts';

const ORG = 'account:org';
const TWO = { keys: [{ id: 'a' }, { id: 'b' }] };
const only = (keyId: 'a' | 'b') => ({ excluded: new Set([keyId === 'a' ? 'b' : 'a']) });
const remaining = (left: number) => [makeObservation({ remaining: left, resetInMs: (60 - left) * SECOND })];

test('two keys whose responses name one account are one limit group', () => {
  const world = new World(TWO);
  expect(world.report(world.lease(only('a')), { account: 'org', observations: remaining(10) }).joinedGroup).toBe(ORG);
  expect(world.report(world.lease(only('b')), { account: 'org', observations: remaining(2) }).joinedGroup).toBe(ORG);
  expect([world.view('a').limitGroup, world.view('b').limitGroup]).toEqual([ORG, ORG]);
  expect([world.ask().kind, world.ask().kind, world.ask().kind]).toEqual(['granted', 'granted', 'exhausted']);
});

test('keys of different accounts stay apart', () => {
  const world = new World(TWO);
  world.report(world.lease(only('a')), { account: 'org', observations: remaining(0) });
  world.report(world.lease(only('b')), { account: 'other', observations: remaining(5) });
  expect(world.keyFor()).toBe('b');
});

test('a key joins once: a further word on the same account changes nothing', () => {
  const world = new World(TWO);
  world.report(world.lease(only('a')), { account: 'org' });
  expect(world.report(world.lease(only('a')), { account: 'org' }).joinedGroup).toBeNull();
});

test('what leases under way hold moves with their key', () => {
  const limits = aMinute({ requests: 60, output_tokens: 600 });
  const world = new World({ keys: [{ id: 'a', limits }] });
  const [stays, told] = [world.lease({ outputTokens: 100 }), world.lease({ outputTokens: 50 })];
  world.report(told, { account: 'org', used: { inputTokens: 0, outputTokens: 20 } });
  expect(world.current(stays).group).toBe(ORG);
  expect(world.meters('', ORG).map(({ reserved, deficit }) => [reserved, deficit])).toEqual([
    [1, 1],
    [100, 20],
  ]);
  expect(world.meters('', 'a').map(({ reserved }) => reserved)).toEqual([0, 0]);
  world.end(stays, 'released');
  expect(world.meters('', ORG).map(({ reserved }) => reserved)).toEqual([0, 0]);
});

test('a lease whose report makes its key join goes on there', () => {
  const world = new World(TWO);
  const lease = world.lease(only('a'));
  world.report(lease, { account: 'org', inProgress: true });
  expect(world.current(lease).group).toBe(ORG);
  expect(world.report(lease)).toMatchObject({ settled: true });
  expect(world.key()).toMatchObject({ activeLeases: 0, account: 'org' });
});

test('what is newer of both is kept, and usage that only the other knows of is counted on top', () => {
  const world = new World(TWO);
  world.report(world.lease(only('a')), { account: 'org', observations: remaining(30) });
  const unheard = world.lease(only('a'));
  const named = world.lease(only('b'));
  world.advance(50).report(unheard);
  world.advance(50).report(named, { account: 'org', observations: remaining(20), requestTime: world.now - 10 });
  const [meter] = world.meters('', ORG);
  expect(meter!.limit - meter!.deficit).toBeCloseTo(19, 0);
});

test('of what was told to both at about the same time the lowest counts', () => {
  const world = new World(TWO);
  const [one, two] = [world.lease(only('a')), world.lease(only('b'))];
  world.report(one, { observations: remaining(10), requestTime: START });
  world.advance(50).report(two, { account: 'org', observations: remaining(20), requestTime: world.now - 10 });
  world.report(world.lease(only('a')), { account: 'org' });
  const [meter] = world.meters('', ORG);
  expect(meter!.limit - meter!.deficit).toBeCloseTo(9, 0);
});

test('limits that only one of them has are kept', () => {
  const world = new World({ keys: [{ id: 'a' }, { id: 'b', limits: aMinute({ requests: 50, output_tokens: 600 }) }] });
  world.report(world.lease(only('b')), { used: { inputTokens: 0, outputTokens: 500 } });
  world.report(world.lease(only('a')), { account: 'org', observations: remaining(30) });
  const lease = world.lease(only('b'));
  world.report(world.lease(only('a')), { account: 'org', observations: remaining(29), requestTime: START });
  world.advance(SECOND).report(world.lease(only('a')), { account: 'org', observations: remaining(28), requestTime: world.now });
  world.report(lease, { account: 'org', requestTime: START });
  const limits = world.meters('', ORG).map(({ dimension, source }) => [dimension, source]);
  expect(limits).toEqual([
    ['requests', 'learned'],
    ['output_tokens', 'configured'],
  ]);
  expect(world.meters('', ORG)[1]!.deficit).toBeGreaterThan(480);
});

test('the group that the configuration gives wins over every account', () => {
  const world = new World({ keys: [{ id: 'a', limitGroup: 'mine' }] });
  expect(world.report(world.lease(), { account: 'org' }).joinedGroup).toBeNull();
  expect(world.view()).toMatchObject({ limitGroup: 'mine' });
});

test.each([
  { rule: 'the longer cooldown of the key that joins', first: SECOND, second: HOUR, until: HOUR },
  { rule: 'the longer cooldown of the group', first: HOUR, second: SECOND, until: HOUR },
])('after joining counts $rule', ({ first, second, until }) => {
  const world = new World(TWO);
  const limited = (waitMs: number) => makeJudgement({ verdict: 'rate_limited', scope: 'limit_group', waitMs });
  const [one, two] = [world.lease(only('a')), world.lease(only('b'))];
  world.report(one, { account: 'org', judgement: limited(first) });
  world.report(two, { account: 'org', judgement: limited(second) });
  expect(world.refusal()).toMatchObject({ retryTime: START + until, counts: { cooldown: 2 } });
});

test('a cooldown of the group that is over does not hide the one of the key that joins', () => {
  const world = new World(TWO);
  const limited = makeJudgement({ verdict: 'rate_limited', scope: 'limit_group', waitMs: SECOND });
  world.report(world.lease(only('a')), { account: 'org', judgement: limited });
  world.advance(MINUTE).report(world.lease(only('b')), { account: 'org', judgement: { ...limited, waitMs: HOUR } });
  expect(world.refusal()).toMatchObject({ retryTime: world.now + HOUR });
});

test('a cooldown from before any account was named goes with the key, whatever is over in the group', () => {
  const world = new World(TWO);
  const limited = (waitMs: number) => makeJudgement({ verdict: 'rate_limited', scope: 'limit_group', waitMs });
  world.report(world.lease(only('a')), { account: 'org', judgement: limited(SECOND) });
  const [one, two] = [world.lease(only('b')), world.lease(only('b'))];
  world.advance(MINUTE / 2).report(one, { judgement: limited(HOUR) });
  world.report(two, { account: 'org' });
  expect(world.refusal()).toMatchObject({ retryTime: world.now + HOUR, counts: { cooldown: 2 } });
});

test('a key whose account changes takes nothing along of what was said of the other one', () => {
  const world = new World(TWO);
  world.report(world.lease(only('a')), { account: 'org' });
  const [last, next] = [world.lease(only('b')), world.lease(only('b'))];
  world.report(last, { account: 'org', observations: remaining(0) });
  world.advance(1).report(next, { account: 'other' });
  expect([world.keyFor(only('a')), world.keyFor(only('b'))]).toEqual([undefined, 'b']);
});

test('a key whose account changes leaves nothing behind of what is said of the new one', () => {
  const world = new World({ keys: [{ id: 'a' }, { id: 'b' }] });
  for (const keyId of ['a', 'b'] as const) world.report(world.lease(only(keyId)), { account: 'org', observations: remaining(50) });
  world.advance(SECOND).report(world.lease(only('b')), { account: 'other', observations: remaining(0) });
  expect(world.view('b').limitGroup).toBe('account:other');
  expect(world.keyFor()).toBe('a');
});
