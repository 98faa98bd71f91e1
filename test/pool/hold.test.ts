import { describe, expect, test } from 'vitest';
import { amountOn, guessedSendTime, heldOn, hold, minus, plus, recount, spendAll, unhold } from '../../src/pool/hold.ts';
import type { Lease, Meter } from '../../src/pool/model.ts';
import type { Dimension } from '../../src/pool/upstream.ts';
import { SECOND, START } from '../support/clock.ts';
import { COUNTING, makeDemand, makeLease, makeMeter, makeTold } from '../support/make.ts';

const HELD = { requests: 1, inputTokens: 100, outputTokens: 20 };
const OBSERVED = START + 10 * SECOND;

test.each<[Dimension, number]>([
  ['requests', 1],
  ['input_tokens', 100],
  ['output_tokens', 20],
  ['tokens', 120],
])('a demand takes of %s %d', (dimension, amount) => {
  expect(amountOn(dimension, HELD)).toBe(amount);
});

test('demands are added part by part, and taken away down to nothing', () => {
  expect(plus(HELD, HELD)).toEqual({ requests: 2, inputTokens: 200, outputTokens: 40 });
  expect(minus(HELD, { requests: 0, inputTokens: 300, outputTokens: 5 })).toEqual({ requests: 1, inputTokens: 0, outputTokens: 15 });
});

test.each([
  { rule: 'one request is taken as sent a second after its grant', requests: 1, sent: START + SECOND },
  { rule: 'several may be sent at any time', requests: 2, sent: null },
])('$rule', ({ requests, sent }) => {
  expect(guessedSendTime(requests, START)).toBe(sent);
});

describe('what a lease under way holds', () => {
  const observed: Partial<Meter> = {
    observedRequestTime: OBSERVED,
    observedResponseTime: OBSERVED + SECOND,
    told: [makeTold({ requestTime: OBSERVED - 60, at: OBSERVED + 2 * SECOND }), makeTold({ requestTime: OBSERVED, at: OBSERVED + SECOND })],
  };
  const own: Partial<Lease> = { acquireTime: OBSERVED - SECOND, sentTime: OBSERVED, answerTime: OBSERVED + SECOND };

  test.each<{ rule: string; dimension: Dimension; meter?: Partial<Meter>; lease: Partial<Lease>; held: number }>([
    { rule: 'all, before any observation', dimension: 'requests', meter: {}, lease: {}, held: 1 },
    {
      rule: 'nothing, where it was sent more than the margin before the observed request',
      dimension: 'input_tokens',
      lease: { sentTime: OBSERVED - 101 },
      held: 0,
    },
    {
      rule: 'all, where it was sent within the margin: requests overtake each other',
      dimension: 'input_tokens',
      lease: { sentTime: OBSERVED - 100 },
      held: 100,
    },
    { rule: 'all, where it was sent after the observed request', dimension: 'requests', lease: { sentTime: OBSERVED + 1 }, held: 1 },
    { rule: 'all, where it covers several requests', dimension: 'requests', lease: { sentTime: null }, held: 1 },
    {
      rule: 'all of what is counted as it goes, however long ago it was sent',
      dimension: 'output_tokens',
      lease: { sentTime: START },
      held: 20,
    },
    { rule: 'all of a sum that is counted as it goes', dimension: 'tokens', lease: { sentTime: START }, held: 120 },
    { rule: 'nothing, where the observation is its own', dimension: 'requests', lease: own, held: 0 },
    {
      rule: 'nothing, where an observation that the newest does not contain is its own',
      dimension: 'requests',
      lease: { ...own, sentTime: OBSERVED - 60, answerTime: OBSERVED + 2 * SECOND },
      held: 0,
    },
    { rule: 'its output, even where the observation is its own', dimension: 'output_tokens', lease: own, held: 20 },
    {
      rule: 'all, where its own answer told nothing',
      dimension: 'requests',
      lease: { ...own, answerTime: OBSERVED + 999 },
      held: 1,
    },
    {
      rule: 'all, where it was granted after the observed request was sent',
      dimension: 'requests',
      lease: { ...own, acquireTime: OBSERVED + 1, sentTime: OBSERVED + 2 },
      held: 1,
    },
    {
      rule: 'all, where it was sent before the observed one and answered with it',
      dimension: 'requests',
      lease: { ...own, sentTime: OBSERVED - 50 },
      held: 1,
    },
  ])('$rule ($dimension)', ({ dimension, meter = observed, lease, held }) => {
    expect(heldOn(makeMeter({ dimension, ...meter }), makeLease({ held: HELD, ...lease }), COUNTING)).toBe(held);
  });
});

test('holding and giving back lets every meter as it was', () => {
  const meters = [makeMeter(), makeMeter({ dimension: 'tokens' })];
  const lease = makeLease({ held: HELD });
  const held = hold(meters, lease, COUNTING);
  expect(held.map(({ reserved }) => reserved)).toEqual([1, 120]);
  expect(unhold(held, lease, COUNTING)).toEqual(meters);
});

test('fractions that were held leave no residue', () => {
  const leases = [0.1, 0.2, 0.3].map((inputTokens) => makeLease({ held: makeDemand({ inputTokens }) }));
  const meters = [makeMeter({ dimension: 'input_tokens' })];
  const held = leases.reduce<readonly Meter[]>((each, lease) => hold(each, lease, COUNTING), meters);
  expect(leases.reduce<readonly Meter[]>((each, lease) => unhold(each, lease, COUNTING), held)).toEqual(meters);
});

test('never less than nothing is held', () => {
  expect(unhold([makeMeter()], makeLease({ held: HELD }), COUNTING)[0]!.reserved).toBe(0);
});

test('a recount holds what the leases hold and nothing else', () => {
  const meters = [makeMeter({ reserved: 999 }), makeMeter({ dimension: 'output_tokens', reserved: 7 })];
  expect(recount(meters, [makeLease({ held: HELD }), makeLease({ held: HELD })], COUNTING).map(({ reserved }) => reserved)).toEqual([
    2, 40,
  ]);
  expect(recount(meters, [], COUNTING).map(({ reserved }) => reserved)).toEqual([0, 0]);
});

describe('usage that is final', () => {
  const at = { sentTime: START, responseTime: START + SECOND, endTime: START + 5 * SECOND, observedRequestTime: START };

  test('counts at the start from the response on, until a later request contains it', () => {
    const [meter] = spendAll([makeMeter()], HELD, at, COUNTING);
    expect(meter).toMatchObject({
      deficit: 1,
      at: START + SECOND,
      spent: [{ amount: 1, containedAfter: START, countedBy: START + SECOND }],
    });
  });

  test('counts as it goes from its end on, until a request after the end contains it', () => {
    const [meter] = spendAll([makeMeter({ dimension: 'output_tokens' })], HELD, at, COUNTING);
    expect(meter).toMatchObject({
      deficit: 20,
      spent: [{ amount: 20, containedAfter: START + 5 * SECOND, countedBy: START + 5 * SECOND }],
    });
  });

  test('is not counted on top of its own observation, which contains it', () => {
    const own = makeMeter({ deficit: 30, told: [makeTold({ requestTime: START, at: START + SECOND })] });
    expect(spendAll([own], HELD, at, COUNTING)).toEqual([own]);
  });
});
