import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GroupState, Meter } from '../../../src/pool/model.ts';
import { recordOf, textOf } from '../../../src/store/redis/record-text.ts';
import { KINDS } from '../../../src/store/redis/touched.ts';
import { makeGroup, makeLease, makeMeter } from '../records.ts';

const again = (group: GroupState) => recordOf(KINDS.groups, group.id, textOf(KINDS.groups, group), 'p');

/** Whole milliseconds, and what a caller can tell between them. */
const moment = fc.oneof(fc.integer({ min: 0, max: 2 ** 52 }), fc.double({ min: 0, max: 2e12, noNaN: true, noDefaultInfinity: true }));
const amount = fc.double({ min: 0, max: 1e12, noNaN: true, noDefaultInfinity: true });
const meter: fc.Arbitrary<Partial<Meter>> = fc.record(
  {
    at: moment,
    resetTime: fc.option(moment),
    deficit: amount,
    spent: fc.array(fc.record({ amount, containedAfter: moment, countedBy: moment })),
    told: fc.array(
      fc.record({
        requestTime: moment,
        containedAfter: moment,
        deficit: amount,
        at: moment,
        resetTime: fc.option(moment),
        refillPerMs: amount,
      }),
    ),
  },
  { requiredKeys: ['at', 'spent'] },
);

test('a limit group is read as it was written, to the last digit of every time', () => {
  const groups = fc.dictionary(fc.string(), fc.array(meter, { maxLength: 3 }));
  const property = fc.property(groups, (meters) => {
    const group = makeGroup({ meters: Object.fromEntries(Object.entries(meters).map(([id, each]) => [id, each.map(makeMeter)])) });
    expect(again(group)).toEqual(JSON.parse(JSON.stringify(group)));
  });
  fc.assert(property, { numRuns: 300 });
});

test('what a meter remembers takes a fraction of what its names would', () => {
  const at = 1_795_704_309_168;
  const spent = Array.from({ length: 64 }, (_, n) => ({ amount: n, containedAfter: at - 100 * n, countedBy: at - 90 * n }));
  const group = makeGroup({ meters: { '': [makeMeter({ at, spent })] } });
  expect(textOf(KINDS.groups, group).length).toBeLessThan(JSON.stringify(group).length / 4);
});

test('a lease is read as it was written', () => {
  const lease = makeLease({
    id: 'l',
    sentTime: 1.5,
    answerTime: 2,
    requestId: 'r',
    held: { requests: 1, inputTokens: 2, outputTokens: 3 },
  });
  expect(recordOf(KINDS.leases, 'l', textOf(KINDS.leases, lease), 'p')).toEqual({ ...lease, pool: 'p' });
});
