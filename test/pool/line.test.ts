import { describe, expect, test } from 'vitest';
import { type Waiter, worthMs } from '../../src/pool/level.ts';
import { Line, LOOK_BEHIND_MAX, OVERTAKINGS_MAX } from '../../src/pool/line.ts';

const SECOND = 1_000;

interface Named extends Waiter {
  readonly name: string;
}

/** One who waits, named so that an order can be read. */
function waiter(name: string, waiting: Partial<Waiter> = {}): Named {
  return { name, holder: 'h', modelClass: 'm', priority: 0, arrival: 0, ...waiting };
}

function lineOf(waiters: readonly Named[]): Line<Named> {
  const line = new Line<Named>();
  for (const each of waiters) line.add(each);
  return line;
}

function head(line: Line<Named>, modelClass = 'm'): Named {
  const [first] = line.eligible(modelClass);
  return first as Named;
}

/** The names in the order in which they are served where everybody fits. */
function served(line: Line<Named>, modelClass = 'm'): string {
  const names: string[] = [];
  for (let [next] = line.eligible(modelClass); next !== undefined; [next] = line.eligible(modelClass)) {
    names.push(next.name);
    line.serve(next);
  }
  return names.join(' ');
}

const at = (seconds: number, waiting: Partial<Waiter> = {}) => ({ arrival: seconds * SECOND, ...waiting });

test.each<{ rule: string; waiters: Named[]; order: string }>([
  { rule: 'who came first is served first', waiters: [waiter('a', at(1)), waiter('b', at(2)), waiter('c', at(3))], order: 'a b c' },
  {
    rule: 'a higher priority goes first',
    waiters: [waiter('low', at(1, { priority: -1 })), waiter('none', at(2)), waiter('high', at(3, { priority: 1 }))],
    order: 'high none low',
  },
  {
    rule: 'a priority is worth so much waiting, and not more: 4 is worth half a minute',
    waiters: [waiter('old', at(0)), waiter('31 s later', at(31, { priority: 4 })), waiter('new', at(32))],
    order: 'old 31 s later new',
  },
  {
    rule: 'within its worth a priority makes up for waiting',
    waiters: [waiter('old', at(0)), waiter('29 s later', at(29, { priority: 4 })), waiter('new', at(30))],
    order: '29 s later old new',
  },
  {
    rule: 'the highest priority overtakes the lowest within two minutes',
    waiters: [waiter('lowest', at(0, { priority: -(2 ** 31) })), waiter('highest', at(119, { priority: 2 ** 31 - 1 }))],
    order: 'highest lowest',
  },
  {
    rule: 'after two minutes nobody is overtaken any more',
    waiters: [waiter('lowest', at(0, { priority: -(2 ** 31) })), waiter('highest', at(121, { priority: 2 ** 31 - 1 }))],
    order: 'lowest highest',
  },
  {
    rule: 'at the same priority each holder in turn, whoever came with more',
    waiters: [
      ...['a1', 'a2', 'a3', 'a4'].map((name) => waiter(name, { holder: 'a' })),
      waiter('b1', at(1, { holder: 'b' })),
      waiter('b2', at(1, { holder: 'b' })),
      waiter('c1', at(2, { holder: 'c' })),
    ],
    order: 'a1 b1 c1 a2 b2 a3 a4',
  },
  {
    rule: 'the turns of one priority do not count at another',
    waiters: [
      waiter('a-high', { holder: 'a', priority: 9 }),
      waiter('a1', { holder: 'a' }),
      waiter('b1', { holder: 'b' }),
      waiter('a2', { holder: 'a' }),
    ],
    order: 'a-high a1 b1 a2',
  },
])('$rule', ({ waiters, order }) => {
  expect(served(lineOf(waiters))).toBe(order);
});

test('a holder that comes back after its turn stands behind those who have not had theirs', () => {
  const line = lineOf([waiter('a1', { holder: 'a' }), waiter('b1', { holder: 'b' }), waiter('c1', { holder: 'c' })]);
  line.serve(head(line));
  line.add(waiter('a2', { holder: 'a' }));
  expect(served(line)).toBe('b1 c1 a2');
});

test('a priority goes by its longest wait, so that one who waits behind the turns of others is not forgotten', () => {
  const line = lineOf([
    waiter('impatient 1', at(0, { holder: 'x' })),
    waiter('patient', at(0, { holder: 'y' })),
    waiter('high', at(31, { priority: 4 })),
  ]);
  const impatient = head(line);
  line.add(waiter('impatient 2', at(32, { holder: 'x' })));
  line.remove(impatient);
  expect(served(line)).toBe('impatient 2 patient high');
});

test('who does not fit is passed by those behind it, in the order of all priorities', () => {
  const line = lineOf([waiter('big', at(0)), waiter('later', at(50)), waiter('urgent', at(40, { priority: 4 }))]);
  expect([...line.eligible('m')].map(({ name }) => name)).toEqual(['big', 'urgent', 'later']);
});

test('only so many behind one that does not fit are looked at', () => {
  const line = lineOf(Array.from({ length: LOOK_BEHIND_MAX + 5 }, (_, n) => waiter(`${n}`, at(n))));
  expect([...line.eligible('m')]).toHaveLength(LOOK_BEHIND_MAX);
});

test('a head that was overtaken so often has room kept for it, and only then', () => {
  const big = waiter('big', at(0, { holder: 'big' }));
  const small = Array.from({ length: OVERTAKINGS_MAX + 1 }, (_, n) => waiter(`${n}`, at(1 + n)));
  const line = lineOf([big, ...small]);
  for (const each of small.slice(0, OVERTAKINGS_MAX)) {
    expect(line.kept('m')).toBeUndefined();
    line.serve(each);
  }
  expect(line.kept('m')).toBe(big);
});

test('who takes room without waiting overtakes the head of its class, and of no other', () => {
  const line = lineOf([waiter('m1'), waiter('n1', { modelClass: 'n' })]);
  for (let n = 0; n < OVERTAKINGS_MAX; n += 1) line.overtake('m');
  line.overtake('a class without a line');
  expect(line.kept('m')?.name).toBe('m1');
  expect(line.kept('n')).toBeUndefined();
});

/** A head, and others behind it that took room often enough for the rest to be kept for it. */
function overtaken(...heads: Named[]): Line<Named> {
  const line = lineOf(heads);
  for (let n = 0; n < OVERTAKINGS_MAX; n += 1) line.overtake('m');
  expect(line.kept('m')).toBe(heads[0]);
  return line;
}

test('being served in turn, or another class being served, is no overtaking', () => {
  const line = lineOf([waiter('n1', { modelClass: 'n' }), waiter('m1'), waiter('m2')]);
  for (let n = 0; n < OVERTAKINGS_MAX - 1; n += 1) line.overtake('m');
  line.serve(head(line, 'n'));
  expect(line.kept('m')).toBeUndefined();
  line.serve(head(line));
  line.overtake('m');
  expect(line.kept('m')).toBeUndefined();
});

test('a head that is served has had what was kept for it, and the next one has to be overtaken as often', () => {
  const line = overtaken(waiter('big'), waiter('next', at(1)));
  line.serve(head(line));
  expect(line.kept('m')).toBeUndefined();
});

test('a head that leaves hands its claim on to the next, so that nobody is held up by those who lose patience', () => {
  const [hasty, next] = [waiter('hasty', { holder: 'a' }), waiter('next', at(1, { holder: 'b' }))];
  const line = overtaken(hasty, next);
  line.remove(hasty);
  expect(line.kept('m')).toBe(next);
});

test('a claim at one priority stays while one of a higher priority goes first', () => {
  const big = waiter('big');
  const line = overtaken(big);
  line.add(waiter('urgent', at(1, { priority: 4 })));
  expect(line.kept('m')).toBeUndefined();
  line.serve(head(line));
  expect(line.kept('m')).toBe(big);
});

test('the class whose head is to be served first comes first', () => {
  const line = lineOf([
    waiter('x', at(10, { modelClass: 'x' })),
    waiter('y', at(5, { modelClass: 'y' })),
    waiter('z', at(20, { modelClass: 'z', priority: 4 })),
  ]);
  expect(line.classes()).toEqual(['z', 'y', 'x']);
  line.remove(head(line, 'z'));
  expect(line.classes()).toEqual(['y', 'x']);
});

describe('counting', () => {
  test('a line counts all who wait, and those of each holder over all classes and priorities', () => {
    const waiters = [
      waiter('1', { holder: 'a' }),
      waiter('2', { holder: 'a', modelClass: 'n' }),
      waiter('3', { holder: 'a', priority: 3 }),
      waiter('4', { holder: 'b' }),
    ];
    const line = lineOf(waiters);
    expect([line.size, line.sizeOf('a'), line.sizeOf('b'), line.sizeOf('c')]).toEqual([4, 3, 1, 0]);
    for (const each of waiters) expect(line.remove(each)).toBe(true);
    expect([line.size, line.sizeOf('a'), line.sizeOf('b')]).toEqual([0, 0, 0]);
    expect(line.classes()).toEqual([]);
  });

  test('who is not in the line, or left it, is not removed from it', () => {
    const [inside, outside] = [waiter('inside'), waiter('outside')];
    const line = lineOf([inside]);
    expect([line.remove(outside), line.remove(inside), line.remove(inside), line.size]).toEqual([false, true, false, 0]);
  });

  test('serving somebody who has left changes nothing', () => {
    const [gone, stays] = [waiter('gone'), waiter('stays')];
    const line = lineOf([gone, stays]);
    line.remove(gone);
    for (let n = 0; n < OVERTAKINGS_MAX; n += 1) line.serve(gone);
    expect([line.size, line.kept('m')]).toEqual([1, undefined]);
  });

  test('a class is empty until somebody waits in it, and again when the last has left', () => {
    const only = waiter('only');
    const line = lineOf([only]);
    expect([line.isEmpty('m'), line.isEmpty('n')]).toEqual([false, true]);
    line.serve(only);
    expect(line.isEmpty('m')).toBe(true);
  });
});

test.each([
  { priority: 0, seconds: 0 },
  { priority: 4, seconds: 30 },
  { priority: -4, seconds: -30 },
  { priority: 12, seconds: 45 },
  { priority: 2 ** 31 - 1, seconds: 60 },
  { priority: -(2 ** 31), seconds: -60 },
])('priority $priority is worth $seconds s of waiting', ({ priority, seconds }) => {
  expect(worthMs(priority)).toBeCloseTo(seconds * SECOND, -1);
  expect(Math.abs(worthMs(priority))).toBeLessThan(60 * SECOND);
});

test('a step looks at no more waiters in a long line than in a short one', () => {
  const looksAt = (length: number) => {
    let looks = 0;
    const watched = (n: number): Named => ({
      ...waiter(`${n}`, { holder: `h${n}` }),
      get arrival() {
        looks += 1;
        return n;
      },
    });
    const line = lineOf(Array.from({ length }, (_, n) => watched(n)));
    looks = 0;
    line.classes();
    line.serve(head(line));
    return looks;
  };
  expect(looksAt(10_000)).toBe(looksAt(100));
});
