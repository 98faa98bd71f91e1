import fc from 'fast-check';
import TinyQueue from 'tinyqueue';
import { expect, test } from 'vitest';
import type { Lease } from '../../../src/pool/model.ts';
import { strategyByName } from '../../../src/pool/strategy/index.ts';
import type { Dimension, Millis, Observation } from '../../../src/pool/upstream.ts';
import { MINUTE, SECOND, START } from '../../support/clock.ts';
import { aMinute, makeProvider } from '../../support/make.ts';
import { seededRandom } from '../../support/random.ts';
import { World } from '../../support/world.ts';
import { TrueLimit } from './true-provider.ts';

const LIMITS = { requests: 120, input_tokens: 30_000, output_tokens: 6_000 };
const LENGTH = 4 * MINUTE;

/** The keys a and b are of one account, c is of another. */
const ACCOUNTS: Readonly<Record<string, string>> = { a: 'org', b: 'org', c: 'c' };

interface Event {
  readonly time: Millis;
  readonly run: (now: Millis) => void;
}

/** How callers and the network behave. */
interface Behaviour {
  readonly refill: 'continuous' | 'fixed';
  readonly strategy: string;
  /** Whether callers tell when they sent and were answered. */
  readonly tellTimes: boolean;
  /** How many calls come at one moment. */
  readonly burst: number;
  /** The longest from a grant until its request is sent. */
  readonly sendMs: number;
  /** When the numbers of a response are taken. */
  readonly numbers: 'on arrival' | 'at some time until the answer';
  /** How many of the calls report their headers while they still run. */
  readonly inProgress: number;
  /** The longest that a call runs on after its headers. */
  readonly runMs: number;
  /** The longest that a report is under way. */
  readonly reportMs: number;
}

/** Callers who want more than there is, against providers that count by themselves. */
class Simulation {
  readonly world: World;
  readonly providers = new Map<string, ReadonlyMap<Dimension, TrueLimit>>();
  readonly #behaviour: Behaviour;
  readonly #random: () => number;
  readonly #events = new TinyQueue<Event>([], (a, b) => a.time - b.time);

  constructor(seed: number, behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#random = seededRandom(seed);
    const limits = aMinute(LIMITS);
    const keys = [
      { id: 'a', limitGroup: 'org', limits },
      { id: 'b', limitGroup: 'org', limits },
      { id: 'c', limits },
    ];
    this.world = new World({ provider: makeProvider(), strategy: strategyByName(behaviour.strategy)!, keys }, START - (START % MINUTE));
    const { now } = this.world;
    for (const account of new Set(Object.values(ACCOUNTS))) {
      const each = Object.entries(LIMITS).map(
        ([dimension, limit]) => [dimension as Dimension, new TrueLimit(limit, behaviour.refill, now)] as const,
      );
      this.providers.set(account, new Map(each));
    }
  }

  run(): void {
    const start = this.world.now;
    const { burst } = this.#behaviour;
    for (let n = 0; n * 50 < LENGTH; n += 1) this.#at(start + Math.floor(n / burst) * burst * 50, (now) => this.#call(now));
    for (let due = this.#events.pop(); due !== undefined; due = this.#events.pop()) {
      this.world.now = due.time;
      due.run(due.time);
    }
  }

  #call(now: Millis): void {
    const input = 50 + this.#upTo(400);
    const output = 20 + this.#upTo(60);
    const outcome = this.world.ask({ inputTokens: input, outputTokens: output, ttlMs: 2 * MINUTE });
    if (outcome.kind !== 'granted') return;
    const { lease } = outcome;
    const sent = now + this.#upTo(this.#behaviour.sendMs);
    this.#at(sent + this.#upTo(99), (arrival) =>
      this.#serve(arrival, lease, sent, Math.floor(input * (0.5 + this.#random() / 2)), this.#upTo(output)),
    );
  }

  /** The provider counts requests and input when the request arrives, and output bit by bit until the call is over. */
  #serve(arrival: Millis, lease: Lease, sent: Millis, input: number, output: number): void {
    const limits = this.providers.get(ACCOUNTS[lease.keyId]!)!;
    limits.get('requests')!.take(arrival, 1);
    limits.get('input_tokens')!.take(arrival, input);
    const answered = arrival + 20 + this.#upTo(2 * SECOND);
    const observations: Observation[] = [];
    const taken = this.#behaviour.numbers === 'on arrival' ? arrival : arrival + this.#upTo(answered - 1 - arrival);
    this.#at(taken, (now) => observations.push(...[...limits].map(([dimension, limit]) => limit.observe(now, dimension))));
    const over = answered + this.#upTo(this.#behaviour.runMs);
    const pieces = 4;
    for (let piece = 1; piece <= pieces; piece += 1) {
      const amount = Math.floor((output * piece) / pieces) - Math.floor((output * (piece - 1)) / pieces);
      this.#at(arrival + Math.floor(((over - arrival) * piece) / pieces), (now) => limits.get('output_tokens')!.take(now, amount));
    }
    const early = this.#random() < this.#behaviour.inProgress;
    if (early) this.#at(answered + this.#upTo(200), () => this.#report(lease, sent, answered, observations, null));
    const used = { inputTokens: input, outputTokens: output };
    this.#at(over + 1 + this.#upTo(this.#behaviour.reportMs), () => this.#report(lease, sent, answered, observations, used));
  }

  #report(
    lease: Lease,
    sent: Millis,
    answered: Millis,
    observations: readonly Observation[],
    used: { inputTokens: number; outputTokens: number } | null,
  ): void {
    const times = this.#behaviour.tellTimes ? { requestTime: sent, responseTime: answered } : {};
    this.world.report(lease, { observations, used, inProgress: used === null, ...times });
  }

  #at(time: Millis, run: Event['run']): void {
    this.#events.push({ time, run });
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }
}

const behaviours: fc.Arbitrary<Behaviour> = fc.record({
  strategy: fc.constant('least_loaded'),
  burst: fc.constant(1),
  sendMs: fc.constant(900),
  numbers: fc.constant('on arrival'),
  refill: fc.constantFrom('continuous', 'fixed'),
  tellTimes: fc.boolean(),
  inProgress: fc.constantFrom(0, 0.5, 1),
  runMs: fc.constantFrom(100, 5 * SECOND, 20 * SECOND),
  reportMs: fc.constantFrom(0, 300, 3 * SECOND),
});

/** Keys are taken in turn, whatever they have left, so that every one of them is used up. */
const bursts: fc.Arbitrary<Behaviour> = fc
  .record({
    strategy: fc.constant('round_robin'),
    burst: fc.constantFrom(1, 20, 200),
    sendMs: fc.constantFrom(5, 900),
    numbers: fc.constantFrom('on arrival', 'at some time until the answer'),
  })
  .chain((how) => behaviours.map((behaviour) => ({ ...behaviour, ...how })));

test.each([
  { rule: 'calls overlap', each: behaviours },
  { rule: 'calls come in bursts, and whenever their numbers are taken', each: bursts },
])('however $rule, no provider ever counts more than its limit', ({ each }) => {
  fc.assert(
    fc.property(fc.integer(), each, (seed, behaviour) => {
      const simulation = new Simulation(seed, behaviour);
      simulation.run();
      for (const limits of simulation.providers.values())
        for (const limit of limits.values()) expect(limit.lowest).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 25 },
  );
});

test('most of what the providers allow is used', () => {
  const calm = {
    strategy: 'least_loaded',
    burst: 1,
    sendMs: 900,
    numbers: 'on arrival',
    tellTimes: true,
    inProgress: 0,
    runMs: 100,
    reportMs: 0,
  } as const;
  const simulation = new Simulation(1, { refill: 'continuous', ...calm });
  simulation.run();
  const minutes = LENGTH / MINUTE;
  for (const limits of simulation.providers.values()) {
    const shares = [...limits.values()].map(({ used, limit }) => used / (limit * (minutes + 1)));
    expect(Math.max(...shares)).toBeGreaterThan(0.9);
  }
});
