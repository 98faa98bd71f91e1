import type { ConfiguredLimit, KeyConfig, PoolConfig } from '../pool/model.ts';
import { strategyByName, strategyNames } from '../pool/strategy/index.ts';
import type { Dimension, Provider } from '../pool/upstream.ts';
import { providerByName } from '../provider/index.ts';
import { LastHeaders, PlainRoundRobin } from './baselines.ts';
import { type Bound, bindingBounds } from './clairvoyant.ts';
import { makeCall } from './client.ts';
import type { Desk } from './desk.ts';
import { EventQueue } from './events.ts';
import { KeyleaseDesk } from './keylease-desk.ts';
import { Measure } from './measure.ts';
import { ProviderModel } from './provider-model.ts';
import { seededRandom } from './random.ts';
import { type Call, type Scenario, START } from './scenario.ts';
import { type Timeline, watchLanes } from './timeline.ts';

/** What strategies are compared with: choosing by the last headers alone, and not choosing at all. */
export const baselineNames = ['last_headers', 'plain_round_robin'] as const;

/** Everything that can be simulated. */
export const simulatedNames: readonly string[] = [...strategyNames, ...baselineNames];

/** What came of one simulation. Shares are from 0 to 1; null: nothing limits the calls. */
export interface Result {
  readonly strategy: string;
  readonly keys: number;
  readonly calls: number;
  readonly attempts: number;
  readonly served: number;
  /** Of what one who knows everything could have used of the limits that bind. */
  readonly used: number | null;
  readonly binding: readonly Bound['resource'][];
  /** Share of the requests sent to the provider that met a 429. */
  readonly limited: number;
  /** Share of the calls that were given up because no key was leased. */
  readonly refused: number;
  /** Share of the calls that were given up because of what the provider answered. */
  readonly failed: number;
  readonly waitP50Ms: number;
  readonly waitP99Ms: number;
  readonly fairness: number;
  readonly states: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
}

export interface SimulateOptions {
  /** Hears of the share of the time that is over. */
  readonly onProgress?: (share: number) => void;
  readonly withTimeline?: boolean;
}

const PROGRESS_STEPS = 100;

/** Plays a scenario with one strategy or baseline: the same calls and the same seed, the same result. */
export function simulate(
  scenario: Scenario,
  calls: readonly Call[],
  strategy: string,
  { onProgress, withTimeline = false }: SimulateOptions = {},
): { result: Result; timeline: Timeline | null } {
  const queue = new EventQueue(START);
  const pool = poolOf(scenario, strategy);
  const desk = deskOf(strategy, pool, queue, scenario.seed);
  const provider = new ProviderModel(scenario.provider, pool.provider, scenario.keys, seededRandom(scenario.seed, 4));
  const measure = new Measure(calls);
  const stage = { queue, desk, provider, measure, scenario, seed: scenario.seed };
  arrive(0);
  const timelineOf = withTimeline ? watchLanes(scenario, strategy, queue, provider, desk) : () => null;
  for (let step = 1; step <= PROGRESS_STEPS; step += 1) {
    queue.runUntil(START + (scenario.durationMs * step) / PROGRESS_STEPS);
    onProgress?.(step / PROGRESS_STEPS);
  }
  const result = resultOf(scenario, calls, strategy, measure, desk, provider);
  return { result, timeline: timelineOf(measure.marks) };

  function arrive(number: number): void {
    const call = calls[number];
    if (call === undefined) return;
    queue.at(call.arrival, () => {
      arrive(number + 1);
      makeCall(stage, call);
    });
  }
}

function resultOf(
  scenario: Scenario,
  calls: readonly Call[],
  strategy: string,
  measure: Measure,
  desk: Desk,
  provider: ProviderModel,
): Result {
  const bounds = bindingBounds(scenario, calls);
  return {
    strategy,
    keys: scenario.keys.length,
    calls: calls.length,
    attempts: measure.attempts,
    served: measure.served,
    used: usedShare(bounds, calls, provider, START + scenario.durationMs),
    binding: [...new Set(bounds.map(({ resource }) => resource))],
    limited: share(measure.statuses.get(429) ?? 0, measure.attempts),
    refused: share(measure.refused, calls.length),
    failed: share(measure.failed, calls.length),
    waitP50Ms: measure.waitMs(0.5),
    waitP99Ms: measure.waitMs(0.99),
    fairness: measure.fairness(),
    states: Object.fromEntries([...desk.states()].sort(([a], [b]) => (a < b ? -1 : 1))),
    statuses: Object.fromEntries([...measure.statuses].sort(([a], [b]) => a - b)),
  };
}

/** Used of what was possible; over several model classes the mean, by their calls. */
function usedShare(bounds: readonly Bound[], calls: readonly Call[], provider: ProviderModel, end: number): number | null {
  let [sum, weights] = [0, 0];
  for (const { modelClass, resource, possible } of bounds) {
    const weight = calls.filter((call) => call.modelClass === modelClass).length;
    let used = 0;
    for (const organization of provider.organizations.values()) {
      if (resource === 'calls_at_once') {
        used += organization.ranMs;
        for (const { at } of organization.started) used += end - at;
      } else {
        const allowance = provider.allowancesOf(organization, modelClass, end).get(resource);
        allowance?.level(end);
        used += allowance?.used ?? 0;
      }
    }
    sum += weight * share(used, possible);
    weights += weight;
  }
  return weights === 0 ? null : sum / weights;
}

function deskOf(name: string, pool: PoolConfig, queue: EventQueue, seed: number): Desk {
  if (name === 'last_headers') return new LastHeaders(pool, queue);
  if (name === 'plain_round_robin') return new PlainRoundRobin(pool);
  return new KeyleaseDesk(pool, queue, seededRandom(seed, 5));
}

function poolOf(scenario: Scenario, strategyName: string): PoolConfig {
  const { dialect, windowMs, limits } = scenario.provider;
  const { leaseTtlMs, leasesMax, waitersMax, knowsLimits } = scenario.pool;
  const strategy = strategyByName(strategyName) ?? strategyByName('');
  const configured = (Object.entries(limits) as [Dimension, number][]).map(
    ([dimension, limit]): ConfiguredLimit => ({ dimension, limit, windowMs }),
  );
  const keyOf = (id: string, order: number): KeyConfig => ({
    ...{ id, order, fingerprint: '', limitGroup: null, weight: 1, priority: 0, leasesMax },
    limits: knowsLimits ? configured : [],
  });
  return {
    ...{ id: 'simulated', provider: providerByName(dialect) as Provider, strategy: strategy as PoolConfig['strategy'] },
    ...{ leaseTtlMs, leaseTtlMaxMs: leaseTtlMs, waitMaxMs: scenario.patience.waitMaxMs, waitersMax, waitersPerHolderMax: waitersMax },
    ...{ unhealthyAfter: 1, modelClasses: [] },
    keys: scenario.keys.map(({ id }, order) => keyOf(id, order)),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
