import { describe, expect, test } from 'vitest';
import { demandOn, learnUsage, neededOn, wantedDemand } from '../../src/pool/demand.ts';
import type { Meter, PoolState, UsageEstimate, WantedDemand } from '../../src/pool/model.ts';
import type { Dimension } from '../../src/pool/upstream.ts';
import { FRESH_POOL } from '../../src/store/store.ts';
import { makeMeter, makeWanted } from '../support/make.ts';

const USAGE: UsageEstimate = {
  inputMean: 100,
  inputSpread: 20.5,
  outputMean: 50,
  outputSpread: 10,
  calls: 5,
  inputPad: 1.5,
  outputPad: 1.5,
};
const state = { ...FRESH_POOL, usage: { opus: USAGE } };

describe('what is wanted', () => {
  test.each([
    {
      rule: 'the estimates of the caller',
      asked: { requests: 2, inputTokens: 7, outputTokens: 0 },
      modelClass: 'opus',
      wanted: { inputTokens: 7, outputTokens: 0 },
      guessed: [false, false],
    },
    {
      rule: 'the mean and the usual distance from it, rounded up, for each request',
      asked: { requests: 2, inputTokens: null, outputTokens: null },
      modelClass: 'opus',
      wanted: { inputTokens: 242, outputTokens: 120 },
      guessed: [true, true],
    },
    {
      rule: 'a guess only for what the caller left out',
      asked: { requests: 1, inputTokens: 3, outputTokens: null },
      modelClass: 'opus',
      wanted: { inputTokens: 3, outputTokens: 60 },
      guessed: [false, true],
    },
    {
      rule: 'no more than any call takes, so that sums stay exact',
      asked: { requests: 1, inputTokens: 2 ** 53 - 1, outputTokens: 2 ** 53 - 1 },
      modelClass: 'opus',
      wanted: { inputTokens: 2 ** 40, outputTokens: 2 ** 40 },
      guessed: [false, false],
    },
    {
      rule: 'nothing, while nothing is known of the class',
      asked: { requests: 1, inputTokens: null, outputTokens: null },
      modelClass: 'haiku',
      wanted: { inputTokens: 0, outputTokens: 0 },
      guessed: [true, true],
    },
  ])('$rule', ({ asked, modelClass, wanted, guessed }) => {
    const [inputGuessed, outputGuessed] = guessed;
    expect(wantedDemand(asked, state, modelClass)).toMatchObject({ requests: asked.requests, ...wanted, inputGuessed, outputGuessed });
  });
});

describe('the demand on one key', () => {
  const meters: readonly Meter[] = [
    makeMeter({ dimension: 'input_tokens', limit: 100 }),
    makeMeter({ dimension: 'output_tokens', limit: 40 }),
  ];
  const sum: readonly Meter[] = [makeMeter({ dimension: 'tokens', limit: 100 })];

  test.each<{ rule: string; wanted: Partial<WantedDemand>; meters: readonly Meter[]; demand: [number, number] }>([
    {
      rule: 'a guess is cut to each limit',
      wanted: { inputTokens: 500, outputTokens: 500, inputGuessed: true, outputGuessed: true },
      meters,
      demand: [100, 40],
    },
    { rule: 'an estimate of the caller is never cut', wanted: { inputTokens: 500, outputTokens: 500 }, meters, demand: [500, 500] },
    {
      rule: 'only what was guessed is cut',
      wanted: { inputTokens: 500, outputTokens: 500, outputGuessed: true },
      meters,
      demand: [500, 40],
    },
    {
      rule: 'of a sum the guessed output gives way to the input',
      wanted: { inputTokens: 70, outputTokens: 70, inputGuessed: true, outputGuessed: true },
      meters: sum,
      demand: [70, 30],
    },
    {
      rule: 'a guess never makes a sum impossible',
      wanted: { inputTokens: 700, outputTokens: 70, inputGuessed: true, outputGuessed: true },
      meters: sum,
      demand: [100, 0],
    },
    {
      rule: 'of a sum that the estimate alone exceeds nothing is left to guess',
      wanted: { inputTokens: 700, outputTokens: 70, outputGuessed: true },
      meters: sum,
      demand: [700, 0],
    },
    {
      rule: 'where no limit is known nothing is cut',
      wanted: { inputTokens: 700, outputTokens: 70, inputGuessed: true, outputGuessed: true },
      meters: [],
      demand: [700, 70],
    },
    {
      rule: 'of several windows the tightest cuts',
      wanted: { inputTokens: 500, inputGuessed: true },
      meters: [...meters, makeMeter({ dimension: 'input_tokens', limit: 30 })],
      demand: [30, 0],
    },
  ])('$rule', ({ wanted, meters, demand: [inputTokens, outputTokens] }) => {
    expect(demandOn(makeWanted(wanted), meters)).toMatchObject({ requests: 1, inputTokens, outputTokens });
  });

  test.each<{ rule: string; dimension: Dimension; wanted: Partial<WantedDemand>; needed: number }>([
    { rule: 'without an estimate one token must be left', dimension: 'input_tokens', wanted: { inputGuessed: true }, needed: 1 },
    {
      rule: 'without an estimate of the output one token of it must be left',
      dimension: 'output_tokens',
      wanted: { outputGuessed: true },
      needed: 1,
    },
    { rule: 'without either estimate one token of the sum must be left', dimension: 'tokens', wanted: { outputGuessed: true }, needed: 1 },
    { rule: 'an estimate of nothing needs nothing', dimension: 'tokens', wanted: {}, needed: 0 },
    { rule: 'a guess of the output is no guess of the input', dimension: 'input_tokens', wanted: { outputGuessed: true }, needed: 0 },
    { rule: 'a request needs a request', dimension: 'requests', wanted: { inputGuessed: true, outputGuessed: true }, needed: 1 },
    {
      rule: 'more than one is needed where more is guessed',
      dimension: 'input_tokens',
      wanted: { inputGuessed: true, inputTokens: 9 },
      needed: 9,
    },
  ])('$rule ($dimension)', ({ dimension, wanted, needed }) => {
    const full = makeWanted(wanted);
    expect(neededOn(dimension, full, full)).toBe(needed);
  });
});

/** What was held for a call. */
const HELD = { inputTokens: 0, outputTokens: 0 };

describe('what is learnt of usage', () => {
  test('the first call is the mean', () => {
    expect(learnUsage(FRESH_POOL, 'opus', { inputTokens: 80, outputTokens: 9 }, HELD).usage).toEqual({
      opus: { inputMean: 80, inputSpread: 0, outputMean: 9, outputSpread: 0, calls: 1, inputPad: 1, outputPad: 1 },
    });
  });

  test('each further call moves mean and spread by a tenth of the way', () => {
    const { usage } = learnUsage(state, 'opus', { inputTokens: 200, outputTokens: 0 }, HELD);
    expect(usage.opus).toMatchObject({ inputMean: 110, inputSpread: 20.5 + (100 - 20.5) * 0.1, outputMean: 45, outputSpread: 14 });
  });

  test('classes do not teach each other', () => {
    expect(learnUsage(state, 'haiku', { inputTokens: 1, outputTokens: 1 }, HELD).usage.opus).toBe(USAGE);
  });

  test('64 classes are remembered, and those go on learning', () => {
    const classes = Array.from({ length: 70 }, (_, n) => `model-${n}`);
    const full = classes.reduce((pool, each) => learnUsage(pool, each, { inputTokens: 10, outputTokens: 1 }, HELD), FRESH_POOL);
    expect(Object.keys(full.usage)).toHaveLength(64);
    expect(learnUsage(full, 'model-0', { inputTokens: 20, outputTokens: 1 }, HELD).usage['model-0']).toMatchObject({ inputMean: 11 });
  });
});

describe('where calls use more than was reserved for them', () => {
  const asked = { requests: 1, inputTokens: 1_000, outputTokens: 100 };

  /** The pool after so many calls, each with its estimate reserved as the pool had it then. */
  function after(calls: number, usedOf: (call: number) => number) {
    let pool = FRESH_POOL as PoolState;
    for (let call = 0; call < calls; call += 1) {
      pool = learnUsage(pool, 'opus', { inputTokens: usedOf(call), outputTokens: 10 }, wantedDemand(asked, pool, 'opus'));
    }
    return wantedDemand(asked, pool, 'opus');
  }

  test('more is reserved than the caller estimates, and the least is what it estimates', () => {
    const wanted = after(100, () => 1_300);
    expect(wanted).toMatchObject({ leastInputTokens: 1_000, inputGuessed: false });
    expect(wanted.inputTokens).toBeGreaterThan(1_280);
    expect(wanted.inputTokens).toBeLessThan(1_330);
  });

  test('four of five calls stay within it', () => {
    const { inputTokens } = after(2_000, (call) => 600 + ((call * 617) % 801));
    expect(inputTokens).toBeGreaterThan(1_200);
    expect(inputTokens).toBeLessThan(1_300);
  });

  test('estimates that are enough stay as they are', () => {
    expect(after(500, () => 1_000)).toMatchObject({ inputTokens: 1_000, outputTokens: 100 });
  });

  test('a few calls are no evidence', () => {
    expect(after(19, () => 5_000)).toMatchObject({ inputTokens: 1_000 });
  });

  test('it is at most doubled, whatever is reported', () => {
    expect(after(5_000, () => 2 ** 50)).toMatchObject({ inputTokens: 2_000 });
  });

  test('and never makes a call impossible that fits by its estimate', () => {
    const meters = [makeMeter({ dimension: 'input_tokens', limit: 1_100 })];
    expect(
      demandOn(
        after(100, () => 1_300),
        meters,
      ),
    ).toMatchObject({ inputTokens: 1_100 });
  });
});
