/** Random histories of a pool: what callers, providers and operators may do to it, in any order. */
import fc from 'fast-check';
import type { AcquireRequest } from '../../../src/pool/acquire.ts';
import type { Lease, Reason } from '../../../src/pool/model.ts';
import type { Dimension, Observation, Verdict, VerdictScope } from '../../../src/pool/upstream.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../support/clock.ts';
import { aMinute, makeJudgement, type makePool, makeProvider } from '../../support/make.ts';
import { World } from '../../support/world.ts';

type PoolDraft = NonNullable<Parameters<typeof makePool>[0]>;

const LIMITS = aMinute({ requests: 10, input_tokens: 1_000, output_tokens: 100 });
const aDay = { dimension: 'requests', limit: 50, windowMs: DAY } as const;
const provider = makeProvider();

/** Configurations between which a pool is reloaded. */
const POOLS: readonly PoolDraft[] = [
  {
    provider,
    unhealthyAfter: 2,
    keys: [
      { id: 'a', limits: LIMITS },
      { id: 'b', limits: [...LIMITS, aDay], leasesMax: 3 },
      { id: 'c', priority: 0 },
    ],
  },
  {
    provider,
    keys: [
      { id: 'a', limits: LIMITS, fingerprint: 'new' },
      { id: 'b', limits: aMinute({ requests: 3 }), leasesMax: 1 },
      { id: 'c', limits: aMinute({ tokens: 500 }) },
    ],
  },
  {
    provider,
    keys: [
      { id: 'a', limitGroup: 'org', limits: LIMITS },
      { id: 'b', limitGroup: 'org', limits: LIMITS },
    ],
  },
  {
    provider,
    keys: [
      { id: 'b', limits: [aDay] },
      { id: 'c', limitGroup: 'org', weight: 3 },
    ],
  },
];

export type Command =
  | { readonly do: 'acquire'; readonly ask: Partial<AcquireRequest> }
  | { readonly do: 'report'; readonly lease: number; readonly told: Told }
  | { readonly do: 'end'; readonly lease: number; readonly how: 'released' | 'revoked' }
  | { readonly do: 'renew'; readonly lease: number; readonly ttlMs: number | null }
  | { readonly do: 'mark'; readonly key: number; readonly reason: Reason; readonly cooldownMs: number | null }
  | { readonly do: 'heal' | 'drain' | 'enable'; readonly key: number }
  | { readonly do: 'reload'; readonly pool: number }
  | { readonly do: 'pass'; readonly ms: number };

interface Told {
  readonly observations: readonly Observation[];
  readonly verdict: Verdict;
  readonly scope: VerdictScope;
  readonly waitMs: number | null;
  readonly account: string | null;
  readonly used: { readonly inputTokens: number; readonly outputTokens: number } | null;
  /** From now back (positive) or ahead (negative), by a clock that may be wrong. */
  readonly sentAgo: number | null;
  readonly answeredAgo: number | null;
  readonly inProgress: boolean;
}

/** An acquire that says only what it is about. */
export function acquire(ask: Partial<AcquireRequest>): Command {
  return { do: 'acquire', ask };
}

/** A report of a success on the newest lease, unless it says otherwise. */
export function report(told: Partial<Told>, lease = 0): Command {
  const nothing = { waitMs: null, account: null, used: null, sentAgo: null, answeredAgo: null };
  return { do: 'report', lease, told: { observations: [], verdict: 'ok', scope: 'request', inProgress: false, ...nothing, ...told } };
}

const maybe = <T>(each: fc.Arbitrary<T>) => fc.option(each, { nil: null });
const span = fc.oneof(fc.integer({ min: 0, max: 5 * SECOND }), fc.constantFrom(0, 1, MINUTE, HOUR, DAY));
const dimension = fc.constantFrom<Dimension>('requests', 'input_tokens', 'output_tokens', 'tokens');
const tokens = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 120 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_000, 1_001, 2 ** 53) },
);

const observation: fc.Arbitrary<Observation> = fc
  .record({
    dimension,
    limit: maybe(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom(0.5, 7.25, 1_000, 2 ** 53))),
    remaining: maybe(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom(0, 0.25, 1_000, 2 ** 53))),
    resetInMs: maybe(fc.oneof(span, fc.constant(35 * DAY))),
    windowMs: fc.constantFrom(null, MINUTE, DAY),
    windowNamed: fc.boolean(),
    refill: fc.constantFrom('continuous', 'fixed'),
  })
  .map((each) => ({ ...each, windowNamed: each.windowNamed && each.windowMs !== null }));

export const ask: fc.Arbitrary<Partial<AcquireRequest>> = fc.record({
  requests: fc.constantFrom(1, 1, 1, 2, 3, 11),
  inputTokens: maybe(tokens),
  outputTokens: maybe(tokens),
  modelClass: fc.constantFrom('', 'opus'),
  holder: fc.constantFrom('one', 'two'),
  ttlMs: maybe(fc.integer({ min: 1, max: 2 * MINUTE })),
  affinity: fc.constantFrom('', '', 'chat'),
  excluded: fc.constantFrom(new Set<string>(), new Set<string>(), new Set(['a']), new Set(['b', 'c'])),
});

const told: fc.Arbitrary<Told> = fc.record({
  observations: fc.array(observation, { maxLength: 3 }),
  verdict: fc.constantFrom<Verdict>(
    'ok',
    'ok',
    'ok',
    'ok',
    'rate_limited',
    'overloaded',
    'invalid_credential',
    'billing',
    'forbidden',
    'client_error',
    'server_error',
    'no_response',
  ),
  scope: fc.constantFrom<VerdictScope>('request', 'key', 'key_model', 'limit_group', 'provider'),
  waitMs: maybe(span),
  account: fc.constantFrom(null, null, 'org', 'other'),
  used: maybe(fc.record({ inputTokens: tokens, outputTokens: tokens })),
  sentAgo: maybe(fc.integer({ min: -DAY, max: MINUTE })),
  answeredAgo: maybe(fc.integer({ min: -SECOND, max: MINUTE })),
  inProgress: fc.boolean(),
});

const lease = fc.nat({ max: 30 });
const key = fc.nat({ max: 2 });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('acquire' as const), ask }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('report' as const), lease, told }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('end' as const), lease, how: fc.constantFrom('released' as const, 'revoked' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew' as const), lease, ttlMs: maybe(span) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('mark' as const),
      key,
      reason: fc.constantFrom<Reason>('billing', 'rate_limited', 'server_error', 'operator'),
      cooldownMs: maybe(span),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('heal' as const, 'drain' as const, 'enable' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const), pool: fc.nat({ max: POOLS.length - 1 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: span }) },
);

export const commands = fc.array(command, { maxLength: 40 });

/** A pool with the leases that were granted in it so far, of which some may have ended. */
export class History {
  readonly world = new World(POOLS[0]);
  readonly granted: Lease[] = [];

  /** Does what is possible of a command; answers the lease that it granted. */
  run(command: Command): Lease | undefined {
    const { world } = this;
    switch (command.do) {
      case 'acquire':
        return this.#acquire(command.ask);
      case 'report':
        this.#with(command.lease, (lease) => world.report(lease, this.#toldOf(command.told)));
        return undefined;
      case 'end':
        this.#with(command.lease, (lease) => world.facts.lease(lease.id) && world.end(lease, command.how));
        return undefined;
      case 'renew':
        this.#with(command.lease, (lease) => world.facts.lease(lease.id) && world.renew(lease, command.ttlMs));
        return undefined;
      case 'reload':
        world.reload(POOLS[command.pool]!);
        return undefined;
      case 'pass':
        world.advance(command.ms);
        return undefined;
      default:
        this.#operate(command);
        return undefined;
    }
  }

  #acquire(ask: Partial<AcquireRequest>): Lease | undefined {
    const outcome = this.world.ask(ask);
    if (outcome.kind !== 'granted') return undefined;
    this.granted.push(outcome.lease);
    return outcome.lease;
  }

  #operate(command: Extract<Command, { key: number }>): void {
    const { world } = this;
    const id = world.pool.keys[command.key]?.id;
    if (id === undefined) return;
    if (command.do === 'mark') world.mark(id, command.reason, { cooldownMs: command.cooldownMs });
    else if (command.do === 'heal') world.heal(id);
    else world.drain(id, command.do === 'drain');
  }

  /** Of the lease of that number, counted from the newest; also of one that has ended. */
  #with(number: number, act: (lease: Lease) => unknown): void {
    const lease = this.granted.at(-1 - number);
    if (lease !== undefined) act(lease);
  }

  #toldOf({ verdict, scope, waitMs, sentAgo, answeredAgo, ...told }: Told) {
    const { now } = this.world;
    const ago = (ms: number | null) => (ms === null ? null : now - ms);
    const judgement = makeJudgement({ verdict, scope: verdict === 'ok' ? 'request' : scope, waitMs });
    return { ...told, judgement, status: verdict === 'ok' ? 200 : 400, requestTime: ago(sentAgo), responseTime: ago(answeredAgo) };
  }
}
