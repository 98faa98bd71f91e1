import { describe, expect, test } from 'vitest';
import { deficitAt, remainingAt } from '../../src/pool/meter.ts';
import type { Meter } from '../../src/pool/model.ts';
import { isContained, observeAll, spend } from '../../src/pool/observe.ts';
import type { Observation } from '../../src/pool/upstream.ts';
import { MINUTE, SECOND, START } from '../support/clock.ts';
import { makeMeter, makeObservation } from '../support/make.ts';

/** An observation of a request that took a second. */
const AT = { requestTime: START, responseTime: START + SECOND };

function observe(meters: readonly Meter[], observation: Partial<Observation>, at = AT): readonly Meter[] {
  return observeAll(meters, makeObservation(observation), at);
}

describe('usage that an observation does not contain', () => {
  test.each([
    { rule: '101 ms before the observed request is contained', before: 101, contained: true },
    { rule: '100 ms before it may have been overtaken', before: 100, contained: false },
    { rule: 'at the same time may have been overtaken', before: 0, contained: false },
    { rule: 'after it is not contained', before: -50, contained: false },
  ])('what was sent $rule', ({ before, contained }) => {
    expect(isContained(START - before, START)).toBe(contained);
    const used = spend(makeMeter(), { amount: 10, containedAfter: START - before, countedBy: START });
    const [meter] = observe([used], { remaining: 50 });
    expect(meter!.limit - meter!.deficit).toBeCloseTo(contained ? 50 : 40, 1);
  });

  test('usage that the newest observation contains is not counted again', () => {
    const [meter] = observe([], { remaining: 50 });
    expect(spend(meter!, { amount: 10, containedAfter: START - SECOND, countedBy: START })).toBe(meter);
  });

  test('nothing used changes nothing', () => {
    const meter = makeMeter();
    expect(spend(meter, { amount: 0, containedAfter: START, countedBy: START })).toBe(meter);
  });

  test('no call takes more than the whole limit, however much its report says', () => {
    const meter = spend(makeMeter(), { amount: 2 ** 53, containedAfter: START, countedBy: START });
    expect(deficitAt(meter, START)).toBe(60);
    expect(remainingAt(meter, START + MINUTE)).toBe(60);
  });

  test('however many parts there are, few are kept and none is lost', () => {
    const parts = Array.from({ length: 1_000 }, (_, n) => ({ amount: 1, containedAfter: START + n * 10, countedBy: START + n * 10 }));
    const meter = parts.reduce(spend, makeMeter({ limit: 1e6 }));
    expect(meter.spent.length).toBeLessThanOrEqual(64);
    expect(meter.spent.reduce((sum, { amount }) => sum + amount, 0)).toBe(1_000);
  });

  test('parts that became one are counted until the last of them is contained', () => {
    const times = Array.from({ length: 200 }, (_, n) => START + n * 10);
    const used = times.reduce(
      (meter, time) => spend(meter, { amount: 1, containedAfter: time, countedBy: time }),
      makeMeter({ limit: 1e6 }),
    );
    const at = { requestTime: START + 1_150, responseTime: START + 2_000 };
    const [meter] = observe([used], { limit: 1e6, remaining: 1e6 }, at);
    const uncontained = times.filter((time) => !isContained(time, at.requestTime)).length;
    expect(meter!.spent.reduce((sum, { amount }) => sum + amount, 0)).toBeGreaterThanOrEqual(uncontained);
  });

  test('under lasting load usage that is contained by now goes, so that it is not counted for ever', () => {
    let meters = observe([], { dimension: 'output_tokens', limit: 10_000, remaining: 10_000 });
    for (let ms = 0; ms < 2 * MINUTE; ms += 20) {
      const end = START + ms;
      meters = meters.map((meter) => spend(meter, { amount: 1, containedAfter: end, countedBy: end }));
      const at = { requestTime: end - 5 * SECOND, responseTime: end };
      meters = observe(meters, { dimension: 'output_tokens', limit: 10_000, remaining: 10_000, resetInMs: 0 }, at);
    }
    const uncontained = (5 * SECOND) / 20;
    expect(meters[0]!.spent.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThan(2 * uncontained);
  });
});
