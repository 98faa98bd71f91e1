import fc from 'fast-check';
import { expect, test } from 'vitest';
import { remainingAt } from '../../../src/pool/meter.ts';
import type { Meter } from '../../../src/pool/model.ts';
import { observeAll, spend } from '../../../src/pool/observe.ts';
import { MINUTE, SECOND, START } from '../../support/clock.ts';
import { makeObservation } from '../../support/make.ts';

const LIMIT = 100;

/** What one call was told and what it used, by the times at which it was sent and answered. */
interface Call {
  readonly sent: number;
  readonly took: number;
  readonly remaining: number;
  readonly resetInMs: number | null;
  readonly used: number;
}

const call: fc.Arbitrary<Call> = fc.record({
  sent: fc.integer({ min: 0, max: 30 * SECOND }),
  took: fc.integer({ min: 0, max: 5 * SECOND }),
  remaining: fc.integer({ min: 0, max: LIMIT }),
  resetInMs: fc.option(fc.integer({ min: 0, max: MINUTE }), { nil: null }),
  used: fc.integer({ min: 0, max: 3 }),
});

const refill = fc.constantFrom('continuous' as const, 'fixed' as const);

function observed(meters: readonly Meter[], { sent, took, remaining, resetInMs }: Call, kind: 'continuous' | 'fixed'): readonly Meter[] {
  const observation = makeObservation({ limit: LIMIT, remaining, resetInMs, refill: kind });
  return observeAll(meters, observation, { requestTime: START + sent, responseTime: START + sent + took });
}

/** One call after which no other was sent or answered, and calls from before it. */
const newestAndOthers = fc.tuple(call, fc.array(call, { maxLength: 8 })).map(([newest, others]) => ({
  newest: { ...newest, sent: 40 * SECOND },
  others: others.filter(({ sent, took }) => sent + took <= 40 * SECOND),
}));

/** The end of a fixed window may be known better than from the newest report, which can mean any end from its request on, less a second of rounding. */
function earlier({ took }: Call, kind: 'continuous' | 'fixed'): number {
  return kind === 'fixed' ? took + SECOND : 0;
}

test('in whatever order reports arrive, none raises what the newest one said', () => {
  fc.assert(
    fc.property(newestAndOthers, fc.nat(), refill, fc.integer({ min: 0, max: 2 * MINUTE }), ({ newest, others }, place, kind, later) => {
      const arrived = [...others];
      arrived.splice(place % (others.length + 1), 0, newest);
      const [alone] = observed([], newest, kind);
      const [meter] = arrived.reduce<readonly Meter[]>((meters, each) => observed(meters, each, kind), []);
      const now = START + newest.sent + newest.took + later;
      expect(remainingAt(meter!, now)).toBeLessThanOrEqual(remainingAt(alone!, now + earlier(newest, kind)) + 1e-6);
    }),
    { numRuns: 1_000 },
  );
});

test('where the newest report arrives last, it alone counts, and what it does not surely contain', () => {
  fc.assert(
    fc.property(newestAndOthers, refill, ({ newest, others }, kind) => {
      const before = others.reduce<readonly Meter[]>((meters, each) => observed(meters, each, kind), []);
      const spent = { amount: newest.used, containedAfter: START + newest.sent, countedBy: START + newest.sent };
      const [meter] = observed(
        before.map((each) => spend(each, spent)),
        newest,
        kind,
      );
      const [alone] = observed([], newest, kind).map((each) => (before.length === 0 ? each : spend(each, spent)));
      const now = START + newest.sent + newest.took;
      expect(remainingAt(meter!, now)).toBeCloseTo(remainingAt(alone!, now), 6);
    }),
    { numRuns: 1_000 },
  );
});

test('a meter that nobody asks comes back by its reset, whatever was reported before', () => {
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 8 }), refill, (calls, kind) => {
      const [meter] = calls.reduce<readonly Meter[]>((meters, each) => observed(meters, each, kind), []);
      const latest = Math.max(...calls.map(({ sent, took }) => START + sent + took));
      expect(remainingAt(meter!, latest + 2 * MINUTE)).toBe(LIMIT);
    }),
    { numRuns: 1_000 },
  );
});
