import { expect, test } from 'vitest';
import { observeAll } from '../../src/pool/observe.ts';
import { SECOND, START } from '../support/clock.ts';
import { makeObservation } from '../support/make.ts';

/** When the window is said to end, by a first response that took no time and said "in 30 s". */
const FIRST_END = START + 30 * SECOND;

const said = (resetInMs: number) =>
  makeObservation({ dimension: 'requests', limit: 100, remaining: 50, resetInMs, windowMs: 60_000, refill: 'fixed' });

test.each([
  { rule: 'a long call whose numbers were taken at its start means the same end', sentAt: 1, answeredAt: 11, resetIn: 29, end: FIRST_END },
  { rule: 'a long call whose numbers were taken at its end means the same end', sentAt: 1, answeredAt: 11, resetIn: 19, end: FIRST_END },
  { rule: 'a wait that was rounded up to the whole second means the same end', sentAt: 1.5, answeredAt: 1.5, resetIn: 29, end: FIRST_END },
  { rule: 'a wait that cannot mean it says another end', sentAt: 1, answeredAt: 11, resetIn: 40, end: START + 51 * SECOND },
  { rule: 'a shorter wait says an earlier end', sentAt: 1, answeredAt: 2, resetIn: 10, end: START + 12 * SECOND },
  { rule: 'once the known window is over the next one is told anew', sentAt: 31, answeredAt: 32, resetIn: 59, end: START + 91 * SECOND },
])('of a fixed window $rule', ({ sentAt, answeredAt, resetIn, end }) => {
  const first = observeAll([], said(30 * SECOND), { requestTime: START, responseTime: START });
  const at = { requestTime: START + sentAt * SECOND, responseTime: START + answeredAt * SECOND };
  expect(observeAll(first, said(resetIn * SECOND), at)).toMatchObject([{ resetTime: end }]);
});
