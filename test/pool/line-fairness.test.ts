import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Waiter } from '../../src/pool/level.ts';
import { Line, OVERTAKINGS_MAX } from '../../src/pool/line.ts';
import { MINUTE, SECOND } from '../support/clock.ts';
import { seededRandom } from '../support/random.ts';

vi.setConfig({ testTimeout: 60_000 });

const print = (text: string) => void process.stdout.write(`${text}\n`);

interface Call extends Waiter {
  readonly demand: number;
  readonly patienceMs: number;
  servedAt?: number;
}

/** An allowance that refills, and the line before it: calls come, are served as it refills, or lose patience. */
interface Shop {
  readonly size: number;
  readonly refillPerMs: number;
}

const TICK_MS = 50;

/** Lets time pass until `until`, or until nobody of `awaited` waits any longer. The calls come in the order of their arrival. */
function run({ size, refillPerMs }: Shop, calls: readonly Call[], until: number, awaited: readonly Call[] = []): void {
  const line = new Line<Call>();
  const waiting = new Set<Call>();
  let room = 0;
  let next = 0;
  for (let now = 0; now <= until; now += TICK_MS) {
    room = Math.min(size, room + TICK_MS * refillPerMs);
    for (let call = calls[next]; call !== undefined && call.arrival <= now; call = calls[++next]) {
      line.add(call);
      waiting.add(call);
    }
    for (const call of waiting) if (now - call.arrival > call.patienceMs && line.remove(call)) waiting.delete(call);
    for (let call = whoFits(line, room); call !== undefined; call = whoFits(line, room)) {
      room -= call.demand;
      line.serve(call);
      waiting.delete(call);
      call.servedAt = now;
    }
    if (awaited.length > 0 && awaited.every(({ servedAt }) => servedAt !== undefined)) return;
  }
}

function whoFits(line: Line<Call>, room: number): Call | undefined {
  const kept = line.kept('m');
  for (const call of line.eligible('m')) {
    if (call.demand <= room && (kept === undefined || kept === call)) return call;
  }
  return undefined;
}

const waitOf = ({ arrival, servedAt = Number.POSITIVE_INFINITY }: Call) => servedAt - arrival;

const shop: Shop = { size: 200, refillPerMs: 0.1 };
/** How long the allowance takes to be full again. */
const REFILL_MS = shop.size / shop.refillPerMs;

const scenario = fc.record({
  seed: fc.nat(),
  /** What is asked for, as a multiple of what refills. */
  load: fc.double({ min: 0.5, max: 3, noNaN: true }),
  holders: fc.integer({ min: 1, max: 4 }),
  patienceMs: fc.integer({ min: SECOND, max: MINUTE }),
  priorities: fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), {
    minLength: 1,
    maxLength: 4,
  }),
  demands: fc.array(fc.integer({ min: 1, max: shop.size }), { minLength: 1, maxLength: 4 }),
  probes: fc.array(
    fc.record({
      arrival: fc.integer({ min: 0, max: 30 * SECOND }),
      priority: fc.oneof(fc.constant(-(2 ** 31)), fc.integer({ min: -5, max: 5 })),
      demand: fc.integer({ min: 1, max: shop.size }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** Crowds who come at random, and lose patience. */
function crowd({ seed, load, holders, patienceMs, priorities, demands }: Scenario, untilMs: number): Call[] {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const mean = demands.reduce((a, b) => a + b, 0) / demands.length;
  const gapMs = mean / (load * shop.refillPerMs);
  const calls: Call[] = [];
  for (let arrival = random() * gapMs; arrival < untilMs; arrival += -Math.log(1 - random()) * gapMs) {
    const holder = `h${Math.floor(random() * holders)}`;
    calls.push({
      holder,
      modelClass: 'm',
      priority: pick(priorities),
      arrival,
      demand: pick(demands),
      patienceMs: patienceMs * (0.5 + random() / 2),
    });
  }
  return calls;
}

test('nobody starves: whoever has the patience is served within two minutes, the patience of the others, and the turns of the others', () => {
  let worst = { wait: 0, bound: 0 };
  const property = fc.property(scenario, (given) => {
    const boundMs = 2 * MINUTE + given.patienceMs + (given.holders + given.probes.length) * (OVERTAKINGS_MAX + 1) * REFILL_MS;
    const probes: Call[] = given.probes.map((probe, n) => ({
      ...{ holder: `probe ${n}`, modelClass: 'm', patienceMs: Number.POSITIVE_INFINITY },
      ...probe,
    }));
    const until = 30 * SECOND + boundMs;
    const calls = [...crowd(given, until), ...probes].sort((a, b) => a.arrival - b.arrival);
    run(shop, calls, until, probes);
    for (const probe of probes) {
      if (waitOf(probe) > worst.wait) worst = { wait: waitOf(probe), bound: boundMs };
      expect(waitOf(probe)).toBeLessThanOrEqual(boundMs);
    }
  });
  fc.assert(property, { numRuns: 150, seed: 20_261_124 });
  print(`worst wait of the patient: ${(worst.wait / SECOND).toFixed(1)} s, where ${(worst.bound / SECOND).toFixed(0)} s is the bound`);
});

test('a big call behind a holder whose big calls lose patience again and again is not forgotten', () => {
  const hasty = Array.from(
    { length: 600 },
    (_, n): Call => ({ ...patient, holder: 'hasty', arrival: n * 500, demand: 200, patienceMs: 1_100 }),
  );
  const small = Array.from(
    { length: 6_000 },
    (_, n): Call => ({ ...patient, holder: 'small', arrival: n * 50, demand: 5, patienceMs: 2_000 }),
  );
  const probe: Call = { ...patient, holder: 'probe', arrival: 700, demand: 200 };
  run(
    shop,
    [...hasty, ...small, probe].sort((a, b) => a.arrival - b.arrival),
    5 * MINUTE,
    [probe],
  );
  expect(waitOf(probe)).toBeLessThan(MINUTE);
});

const patient: Call = { holder: 'h', modelClass: 'm', priority: 0, arrival: 0, demand: 10, patienceMs: Number.POSITIVE_INFINITY };

/** Jain's index: 1 where all have the same, 1 / n where one has everything. */
function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  return sum ** 2 / (shares.length * shares.reduce((a, b) => a + b ** 2, 0));
}

test.each<{ holders: string; ask: (n: number) => Partial<Call>[] }>([
  { holders: 'that ask for the same', ask: () => [{}] },
  { holders: 'of which some ask for ten times as many', ask: (n) => Array.from({ length: n < 4 ? 10 : 1 }, () => ({})) },
])('holders $holders, where there is not enough for all, get equal shares in every window of ten seconds', ({ ask }) => {
  const holders = Array.from({ length: 8 }, (_, n) => `h${n}`);
  const calls: Call[] = [];
  for (let now = 0; now < 5 * MINUTE; now += 500) {
    holders.forEach((holder, n) => {
      for (const each of ask(n)) calls.push({ ...patient, holder, arrival: now, patienceMs: 30 * SECOND, ...each });
    });
  }
  run(shop, calls, 5 * MINUTE);
  const windows = Array.from({ length: 26 }, (_, n) => 30 * SECOND + n * 10 * SECOND);
  const indices = windows.map((from) => {
    const served = calls.filter(({ servedAt = -1 }) => servedAt >= from && servedAt < from + 10 * SECOND);
    return jain(holders.map((holder) => served.filter((call) => call.holder === holder).length));
  });
  print(`Jain's index over windows of ten seconds: ${Math.min(...indices).toFixed(4)} at worst`);
  expect(Math.min(...indices)).toBeGreaterThanOrEqual(0.95);
});
