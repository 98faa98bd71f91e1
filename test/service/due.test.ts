import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueTimes } from '../../src/service/due.ts';

function filed(entries: Record<string, number>): DueTimes<string> {
  const due = new DueTimes<string>();
  for (const [id, time] of Object.entries(entries)) due.file(id, time, `value of ${id}`);
  return due;
}

const idsOf = (taken: readonly { id: string }[]) => taken.map(({ id }) => id);

test.each<{ name: string; due: DueTimes<string>; now: number; taken: string[]; next: number | undefined }>([
  { name: 'nothing is filed', due: filed({}), now: 100, taken: [], next: undefined },
  { name: 'what is due a millisecond later stays', due: filed({ a: 101 }), now: 100, taken: [], next: 101 },
  { name: 'what is due now is taken', due: filed({ a: 100 }), now: 100, taken: ['a'], next: undefined },
  { name: 'the earliest comes first', due: filed({ a: 30, b: 10, c: 20, d: 40 }), now: 30, taken: ['b', 'c', 'a'], next: 40 },
  {
    name: 'what is due at the same time comes in the order of filing',
    due: filed({ b: 10, a: 10 }),
    now: 10,
    taken: ['b', 'a'],
    next: undefined,
  },
])('$name', ({ due, now, taken, next }) => {
  expect(idsOf(due.take(now))).toEqual(taken);
  expect(due.next()).toBe(next);
});

test('what was taken is no longer filed, and what it was filed with is handed back', () => {
  const due = filed({ a: 1 });
  expect(due.take(1)).toEqual([{ id: 'a', value: 'value of a' }]);
  expect([due.take(1), due.size]).toEqual([[], 0]);
});

test('an id filed anew is due at its new time alone', () => {
  const due = filed({ a: 10 });
  due.file('a', 20, 'later');
  expect([due.next(), idsOf(due.take(19)), due.take(20)]).toEqual([20, [], [{ id: 'a', value: 'later' }]]);
});

test('an id that is unfiled is never due, and unfiling what is not filed is nothing', () => {
  const due = filed({ a: 10, b: 10 });
  due.unfile('a');
  due.unfile('a');
  due.unfile('never');
  expect([due.size, idsOf(due.take(10))]).toEqual([1, ['b']]);
});

test('cleared, it is as new', () => {
  const due = filed({ a: 10 });
  due.clear();
  expect([due.next(), due.size, due.take(10)]).toEqual([undefined, 0, []]);
  due.file('a', 5, 'again');
  expect(due.next()).toBe(5);
});

const ids = fc.constantFrom('a', 'b', 'c', 'd');
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('file' as const), id: ids, time: fc.nat(20) }),
    fc.record({ kind: fc.constant('unfile' as const), id: ids }),
    fc.record({ kind: fc.constant('take' as const), now: fc.nat(20) }),
  ),
);

test('whatever is filed, unfiled and taken, it answers as a plain table of times would', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const due = new DueTimes<null>();
      const table = new Map<string, number>();
      for (const step of all) {
        if (step.kind === 'file') {
          due.file(step.id, step.time, null);
          table.set(step.id, step.time);
        } else if (step.kind === 'unfile') {
          due.unfile(step.id);
          table.delete(step.id);
        } else {
          const expected = [...table].filter(([, time]) => time <= step.now);
          for (const [id] of expected) table.delete(id);
          expect(idsOf(due.take(step.now)).sort()).toEqual(expected.map(([id]) => id).sort());
        }
        expect(due.size).toBe(table.size);
        expect(due.next()).toBe(table.size === 0 ? undefined : Math.min(...table.values()));
      }
    }),
  );
});
