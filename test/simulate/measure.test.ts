import { expect, test } from 'vitest';
import { bindingBounds } from '../../src/simulate/clairvoyant.ts';
import { fairShares, jain } from '../../src/simulate/measure.ts';
import { START } from '../../src/simulate/scenario.ts';
import { MINUTE, makeCall, PLAIN, SECOND, scenarioOf } from './short.ts';

test.each([
  ['all alike are fair', [3, 3, 3], 1],
  ['one of four who has everything is not', [1, 0, 0, 0], 0.25],
  ['nothing for anybody is fair', [0, 0], 1],
])('%s', (_name, shares, index) => {
  expect(jain(shares)).toBe(index);
});

test('nobody is due more than it asked for, and what is left over goes to the others', () => {
  const shares = fairShares(new Map(Object.entries({ small: 2, big: 100, huge: 200 })), 50);
  expect(Object.fromEntries(shares)).toEqual({ small: 2, big: 24, huge: 24 });
});

const many = (count: number) => Array.from({ length: count }, (_, number) => makeCall({ number, arrival: START }));
const boundOf = (text: string, calls = many(1_000)) => bindingBounds(scenarioOf(text).scenario, calls)[0];

test.each([
  ['a full bucket and its refill until the end, of every organization', PLAIN, 240],
  ['not what is missing at the start', PLAIN.replace('anthropic,', 'anthropic, fill: 0,'), 120],
  ['one window after the other', PLAIN.replace('anthropic,', 'generic, refill: fixed, window: 20s,'), 360],
  ['nothing of a bucket that stays full', PLAIN.replace('keys: 2', 'keys: 2\npatience: { give_up: 30s }'), 180],
  ['nothing of an organization without keys', PLAIN.replace('keys: 2', 'keys: [{ id: a }, { id: b, revoked_at: 0s }]'), 120],
])('one who knows everything uses %s', (_name, text, possible) => {
  expect(Math.abs((boundOf(text)?.possible ?? 0) - possible)).toBeLessThanOrEqual(1);
});

test('who asks for less than there is can be served whole, but not while everything fails', () => {
  expect(boundOf(PLAIN, many(50))?.possible).toBe(50);
  const out = PLAIN.replace('anthropic,', 'anthropic, troubles: [{ at: 0s, for: 59s }],');
  expect(boundOf(out.replace('keys: 2', 'keys: 2\npatience: { give_up: 30s }'), many(50))?.possible).toBe(0);
});

test('calls at once bind like a limit on their time', () => {
  const text = PLAIN.replace('limits: { requests: 60 }', 'limits: {}, concurrency: 3');
  const calls = many(1_000).map((call) => ({ ...call, lengthMs: 2 * SECOND }));
  expect(boundOf(text, calls)).toMatchObject({ resource: 'calls_at_once', demand: 2_000 * SECOND, possible: 6 * MINUTE });
});
