import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matches, patternOf } from '../../src/auth/pattern.ts';
import { type Grant, grantFor, may, policyOf, type Verb } from '../../src/auth/policy.ts';

const CAPS = { leasesMax: null, waitersMax: null, requestsPerSecond: null, burst: 1, inFlightMax: null, priorityMax: null };
const VERBS: readonly Verb[] = ['acquire', 'report', 'mark', 'admin'];

test.each([
  ['worker', 'worker', true],
  ['worker', 'worker2', false],
  ['worker', 'Worker', false],
  ['*', 'worker', true],
  ['*', '', true],
  ['*', 'team/worker', false],
  ['**', 'team/worker', true],
  ['team/*', 'team/', true],
  ['team/*', 'team/a/b', false],
  ['team/**', 'team/a/b', true],
  ['/ns/*/sa/w', '/ns/a/sa/w', true],
  ['/ns/*/sa/w', '/ns/a/evil/sa/w', false],
  ['a*b*c', 'axxbyybc', true],
  ['a.c', 'abc', false],
  ['', '', true],
  ['', 'a', false],
])('the pattern "%s" and "%s": %s', (pattern, text, expected) => {
  expect(matches(patternOf(pattern), text)).toBe(expected);
});

const letters = fc.stringMatching(/^[ab/]{0,6}$/);
const pattern = fc.array(fc.constantFrom('a', 'b', '/', '*', '**'), { maxLength: 6 }).map((parts) => parts.join(''));
const grant: fc.Arbitrary<Grant> = fc.record({
  holders: fc.array(pattern, { minLength: 1, maxLength: 2 }),
  pools: fc.array(pattern, { minLength: 1, maxLength: 2 }),
  verbs: fc.subarray([...VERBS], { minLength: 1 }),
  caps: fc.constant(CAPS),
});

/** The same rule written another way: patterns as regular expressions, grants as a union of cases. */
function allowed(grants: readonly Grant[], holder: string, verb: Verb, pool: string): boolean {
  const fits = (patterns: readonly string[], text: string) =>
    patterns.some((each) =>
      new RegExp(
        `^(?:${each.replaceAll(/\*{2,}|\*/g, (stars) => '(?:.*)'.repeat(Math.floor(stars.length / 2)) + '[^/]*'.repeat(stars.length % 2))})$`,
      ).test(text),
    );
  const cases = grants.flatMap(({ holders, pools, verbs }) => verbs.map((each) => ({ holders, pools, verb: each })));
  return cases.some((each) => each.verb === verb && fits(each.pools, pool) && fits(each.holders, holder));
}

test('may says what an independent model says', () => {
  const cases = fc.tuple(fc.array(grant, { maxLength: 3 }), letters, fc.constantFrom(...VERBS), letters);
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(cases, ([grants, holder, verb, pool]) => {
      const expected = allowed(grants, holder, verb, pool);
      seen[`${expected}`] += 1;
      expect(may(policyOf(grants), holder, verb, pool)).toBe(expected);
    }),
    { numRuns: 3_000 },
  );
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(100);
});

test('one grant more never takes a right away', () => {
  fc.assert(
    fc.property(
      fc.array(grant, { maxLength: 3 }),
      grant,
      letters,
      fc.constantFrom(...VERBS),
      letters,
      (grants, more, holder, verb, pool) => {
        expect(may(policyOf(grants), holder, verb, pool) && !may(policyOf([...grants, more]), holder, verb, pool)).toBe(false);
      },
    ),
  );
});

test('the first grant that allows a call is the one whose caps count', () => {
  const grants = ['batch', 'b*', '**'].map(
    (holder, place): Grant => ({ holders: [holder], pools: ['**'], verbs: ['acquire'], caps: { ...CAPS, leasesMax: place } }),
  );
  const capOf = (holder: string) => grantFor(policyOf(grants), holder, 'acquire', 'p')?.caps.leasesMax;
  expect(['batch', 'bulk', 'team/x'].map(capOf)).toEqual([0, 1, 2]);
});

test('no grants: nobody may do anything', () => {
  expect(VERBS.some((verb) => may(policyOf([]), 'root', verb, 'default'))).toBe(false);
});
