import { expect, test } from 'vitest';
import { InOrder } from '../../../src/store/redis/order.ts';
import { until } from '../../support/redis.ts';

type Arrival = readonly [name: string, before: number, after: number];

test.each<{ rule: string; arrivals: readonly Arrival[]; taken: readonly string[]; last: number }>([
  {
    rule: 'in order: each at once',
    arrivals: [
      ['a', 5, 6],
      ['b', 6, 8],
    ],
    taken: ['a', 'b'],
    last: 8,
  },
  {
    rule: 'out of order: held until its turn',
    arrivals: [
      ['b', 6, 8],
      ['c', 8, 9],
      ['a', 5, 6],
    ],
    taken: ['a', 'b', 'c'],
    last: 9,
  },
  {
    rule: 'taken before: dropped',
    arrivals: [
      ['a', 4, 5],
      ['b', 5, 6],
      ['b again', 5, 6],
    ],
    taken: ['b'],
    last: 6,
  },
  {
    rule: 'told by answer and message: taken once',
    arrivals: [
      ['c', 6, 7],
      ['a', 5, 6],
      ['a again', 5, 6],
    ],
    taken: ['a', 'c'],
    last: 7,
  },
  {
    rule: 'changed nothing: taken once what it saw is there',
    arrivals: [
      ['nothing', 6, 6],
      ['a', 5, 6],
    ],
    taken: ['a', 'nothing'],
    last: 6,
  },
  {
    rule: 'changed nothing and overtaken: taken all the same',
    arrivals: [
      ['a', 5, 6],
      ['nothing', 5, 5],
    ],
    taken: ['a', 'nothing'],
    last: 6,
  },
])('$rule', ({ arrivals, taken, last }) => {
  const seen: string[] = [];
  const order = new InOrder(5, () => {});
  for (const [name, before, after] of arrivals) order.take(before, after, () => seen.push(name));
  order.stop();
  expect({ seen, last: order.last }).toEqual({ seen: taken, last });
});

test('a gap that does not close is a loss, one that closes is none', async () => {
  const lost: string[] = [];
  const [closing, open] = [new InOrder(0, () => lost.push('closing')), new InOrder(0, () => lost.push('open'))];
  for (const order of [closing, open]) order.take(1, 2, () => {});
  closing.take(0, 1, () => {});
  await until(() => lost.length > 0);
  expect(lost).toEqual(['open']);
});
