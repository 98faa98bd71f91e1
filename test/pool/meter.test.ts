import { describe, expect, test } from 'vitest';
import { debit, deficitAt, earliestFit, fits, fullTime, remainingAt, roomAt } from '../../src/pool/meter.ts';
import type { Meter } from '../../src/pool/model.ts';
import { DAY, MINUTE, SECOND, START } from '../support/clock.ts';
import { makeMeter } from '../support/make.ts';

/** 60 a minute, emptied at START: one comes back each second. */
const EMPTY = { limit: 60, deficit: 60, resetTime: START + MINUTE, refillPerMs: 60 / MINUTE };
const FIXED = { refill: 'fixed', limit: 60, deficit: 60, resetTime: START + 30 * SECOND, windowMs: MINUTE } as const;

describe('what remains at a time', () => {
  test.each<{ rule: string; meter: Partial<Meter>; after: number; remaining: number }>([
    { rule: 'a full limit stays full', meter: {}, after: DAY, remaining: 60 },
    { rule: 'before its own moment a meter says what it says at it', meter: { ...EMPTY, deficit: 45 }, after: -10 * SECOND, remaining: 15 },
    { rule: 'at its own moment a meter says what was observed', meter: { ...EMPTY, deficit: 45 }, after: 0, remaining: 15 },
    { rule: 'an empty limit is half full half way to its reset', meter: EMPTY, after: MINUTE / 2, remaining: 30 },
    { rule: 'one millisecond before the reset nearly all is back', meter: EMPTY, after: MINUTE - 1, remaining: 59.999 },
    { rule: 'at the reset all is back, with nobody asking in between', meter: EMPTY, after: MINUTE, remaining: 60 },
    { rule: 'long after the reset no more than the limit is there', meter: EMPTY, after: DAY, remaining: 60 },
    {
      rule: 'the straight line to a late reset is slower than the window',
      meter: { ...EMPTY, resetTime: START + 2 * MINUTE, refillPerMs: 30 / MINUTE },
      after: MINUTE,
      remaining: 30,
    },
    {
      rule: 'without a reset the window tells the pace',
      meter: { ...EMPTY, resetTime: null, refillPerMs: 0 },
      after: 15 * SECOND,
      remaining: 15,
    },
    {
      rule: 'what was used on top of an observation comes back after the reset at the pace of the window',
      meter: { ...EMPTY, deficit: 90, resetTime: START + MINUTE },
      after: MINUTE + 10 * SECOND,
      remaining: 40,
    },
    {
      rule: 'a reset in the past leaves the pace of the window',
      meter: { ...EMPTY, resetTime: START - DAY, refillPerMs: 1_000 },
      after: SECOND,
      remaining: 1,
    },
    {
      rule: 'more than the limit may be missing, and then nothing remains',
      meter: { ...EMPTY, deficit: 100 },
      after: 30 * SECOND,
      remaining: 0,
    },
    { rule: 'a fixed window gives nothing back before its end', meter: FIXED, after: 30 * SECOND - 1, remaining: 0 },
    { rule: 'a fixed window gives all back at its end', meter: FIXED, after: 30 * SECOND, remaining: 60 },
    {
      rule: 'a fixed window whose reset has passed ends again one window later',
      meter: { ...FIXED, resetTime: START - 15 * SECOND },
      after: 45 * SECOND - 1,
      remaining: 0,
    },
    {
      rule: 'and at that later end it gives all back',
      meter: { ...FIXED, resetTime: START - 15 * SECOND },
      after: 45 * SECOND,
      remaining: 60,
    },
    {
      rule: 'however many windows have passed',
      meter: { ...FIXED, resetTime: START - 15 * SECOND - DAY },
      after: 45 * SECOND,
      remaining: 60,
    },
    {
      rule: 'a reset at the very moment of the meter is the one before',
      meter: { ...FIXED, resetTime: START },
      after: MINUTE - 1,
      remaining: 0,
    },
    { rule: 'a limit below what is missing leaves nothing', meter: { ...FIXED, limit: 5 }, after: 0, remaining: 0 },
    { rule: 'limits near 2^53 are counted to the unit', meter: { limit: 2 ** 53 - 1, deficit: 2 ** 53 - 2 }, after: 0, remaining: 1 },
  ])('$rule', ({ meter, after, remaining }) => {
    expect(remainingAt(makeMeter(meter), START + after)).toBeCloseTo(remaining, 6);
  });

  test('the residue of sums of fractions is nothing', () => {
    const meter = makeMeter({ limit: 1, deficit: 0.1 + 0.2, resetTime: START + 3, refillPerMs: 0.3 / 3 });
    expect(deficitAt(meter, START + 3)).toBe(0);
    expect(remainingAt(meter, START + 3)).toBe(1);
  });
});

describe('what can be reserved', () => {
  test.each([
    { rule: 'what is held is not there to be reserved', meter: { reserved: 20 }, room: 40 },
    { rule: 'what is missing and what is held add up', meter: { reserved: 20, deficit: 30 }, room: 10 },
    { rule: 'room is negative where more is held than is left', meter: { reserved: 50, deficit: 30 }, room: -20 },
    { rule: 'a limit that fell below what is held leaves less than nothing', meter: { limit: 10, reserved: 50 }, room: -40 },
  ])('$rule', ({ meter, room }) => {
    expect(roomAt(makeMeter(meter), START)).toBe(room);
  });

  test.each([
    { rule: 'exactly what is left fits', reserved: 20, amount: 40, fits: true },
    { rule: 'one more does not', reserved: 20, amount: 41, fits: false },
    { rule: 'nothing fits even where less than nothing is left', reserved: 80, amount: 0, fits: true },
  ])('$rule', ({ reserved, amount, fits: expected }) => {
    expect(fits(makeMeter({ reserved }), amount, START)).toBe(expected);
  });
});

describe('counting an amount as used', () => {
  test('what came back until then is gone first', () => {
    const meter = debit(makeMeter(EMPTY), 10, START + 30 * SECOND);
    expect(meter).toMatchObject({ at: START + 30 * SECOND, deficit: 40 });
  });

  test('a moment before the meter counts from the meter on, so nothing comes back twice', () => {
    const meter = debit(makeMeter({ ...EMPTY, deficit: 20 }), 10, START - DAY);
    expect(meter).toMatchObject({ at: START, deficit: 30 });
  });

  test('after the end of a fixed window it counts in the next one', () => {
    const meter = debit(makeMeter(FIXED), 10, START + 40 * SECOND);
    expect(remainingAt(meter, START + 40 * SECOND)).toBe(50);
    expect(remainingAt(meter, START + 90 * SECOND - 1)).toBe(50);
    expect(remainingAt(meter, START + 90 * SECOND)).toBe(60);
  });
});

describe('when it is full', () => {
  test.each<{ rule: string; meter: Partial<Meter>; full: number | null }>([
    { rule: 'a full one has no moment', meter: {}, full: null },
    { rule: 'an observed one at its reset', meter: EMPTY, full: MINUTE },
    { rule: 'a fixed one at the end of its window', meter: FIXED, full: 30 * SECOND },
    { rule: 'one that is used beyond its reset at the pace of the window', meter: { ...EMPTY, deficit: 90 }, full: 90 * SECOND },
    { rule: 'a fraction of a millisecond counts as a whole one', meter: { limit: 7, deficit: 1, resetTime: null }, full: 8_572 },
  ])('$rule', ({ meter, full }) => {
    const time = fullTime(makeMeter(meter), START);
    expect(time).toBe(full === null ? null : START + full);
  });
});

describe('the earliest moment at which an amount fits', () => {
  test.each<{ rule: string; meter: Partial<Meter>; amount: number; expiries?: { in: number; amount: number }[]; earliest: number | null }>([
    { rule: 'now, where it fits now', meter: {}, amount: 60, earliest: 0 },
    { rule: 'now, where nothing is needed', meter: { ...EMPTY, reserved: 60 }, amount: 0, earliest: 0 },
    { rule: 'never, where it exceeds the limit', meter: {}, amount: 61, earliest: null },
    { rule: 'never, where it is more than is not held and no lease ends by itself', meter: { reserved: 1 }, amount: 60, earliest: null },
    { rule: 'when the line has brought back enough', meter: EMPTY, amount: 10, earliest: 10 * SECOND },
    { rule: 'when a fixed window ends', meter: FIXED, amount: 1, earliest: 30 * SECOND },
    { rule: 'what is held has to come back as well', meter: { ...EMPTY, reserved: 20 }, amount: 10, earliest: 30 * SECOND },
    {
      rule: 'a lease that ends by itself counts as used, and then comes back',
      meter: { reserved: 60 },
      amount: 10,
      expiries: [{ in: 5 * SECOND, amount: 60 }],
      earliest: 15 * SECOND,
    },
    {
      rule: 'only as many leases as are needed are waited for',
      meter: { reserved: 60 },
      amount: 10,
      expiries: [
        { in: 5 * SECOND, amount: 30 },
        { in: 50 * SECOND, amount: 30 },
      ],
      earliest: 15 * SECOND,
    },
    {
      rule: 'a lease that ends in an earlier fixed window costs nothing of the next',
      meter: { ...FIXED, deficit: 0, reserved: 60 },
      amount: 60,
      expiries: [{ in: 5 * SECOND, amount: 60 }],
      earliest: 30 * SECOND,
    },
    {
      rule: 'a lease that holds nothing changes nothing',
      meter: { reserved: 60 },
      amount: 1,
      expiries: [{ in: 5 * SECOND, amount: 0 }],
      earliest: null,
    },
  ])('$rule', ({ meter, amount, expiries = [], earliest }) => {
    const time = earliestFit(
      makeMeter(meter),
      amount,
      START,
      expiries.map((each) => ({ time: START + each.in, amount: each.amount })),
    );
    expect(time).toBe(earliest === null ? null : START + earliest);
  });

  test('is the same whether what is missing came at once or was split into steps', () => {
    const meter = makeMeter({ limit: 100, deficit: 64, reserved: 41, refillPerMs: 0 });
    const later = debit({ ...meter, reserved: 40 }, 1, START + 3_593);
    expect(earliestFit(meter, 1, START, [])).toBe(START + 3_600);
    expect([fits(later, 1, START + 3_599), fits(later, 1, START + 3_600)]).toEqual([false, true]);
  });

  test.each<{ rule: string; meter: Partial<Meter>; amount: number }>([
    {
      rule: 'a reset a month away of a millionth that is missing',
      meter: { limit: 1, deficit: 1.1e-6, resetTime: START + 35 * DAY, refillPerMs: 1.1e-6 / (35 * DAY) },
      amount: 1,
    },
    { rule: 'a month for a single request', meter: { limit: 1, deficit: 1, windowMs: 31 * DAY }, amount: 1 },
    { rule: 'a debt of 2^53 tokens to a limit of one', meter: { limit: 1, deficit: 2 ** 53, windowMs: 31 * DAY }, amount: 1 },
    { rule: 'a limit of 2^53 over a month', meter: { limit: 2 ** 53, deficit: 2 ** 53, windowMs: 31 * DAY }, amount: 2 ** 53 },
    { rule: 'a limit of a millionth', meter: { limit: 1e-5, deficit: 1e-5, windowMs: 31 * DAY }, amount: 1e-5 },
  ])('is found in a moment for $rule', ({ meter, amount }) => {
    const odd = makeMeter(meter);
    const began = performance.now();
    const time = earliestFit(odd, amount, START, []);
    expect(performance.now() - began).toBeLessThan(SECOND);
    expect(time).toBeGreaterThan(START);
    expect(fits(odd, amount, time!)).toBe(true);
  });
});
