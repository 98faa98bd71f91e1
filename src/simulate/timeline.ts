import type { Dimension, Millis } from '../pool/upstream.ts';
import type { Desk } from './desk.ts';
import type { EventQueue } from './events.ts';
import type { Mark } from './measure.ts';
import type { ProviderModel } from './provider-model.ts';
import { type Scenario, START } from './scenario.ts';

/** What one organization had left at a time, as shares of its limits, and which share of its keys was passed over. */
export interface Sample {
  readonly time: Millis;
  readonly left: ReadonlyMap<Dimension, number>;
  readonly passedOver: number;
}

/** One limit group over time, as the provider knows it. */
export interface Lane {
  readonly organization: string;
  readonly keyIds: readonly string[];
  readonly samples: readonly Sample[];
  readonly limited: readonly Millis[];
}

/** What a picture of a simulation shows. */
export interface Timeline {
  readonly scenario: Scenario;
  readonly strategy: string;
  readonly lanes: readonly Lane[];
}

const SAMPLES = 480;

/** Looks at every organization again and again until the end; answers a function that gives what it saw. */
export function watchLanes(scenario: Scenario, strategy: string, queue: EventQueue, provider: ProviderModel, desk: Desk) {
  const stepMs = Math.max(1, Math.floor(scenario.durationMs / SAMPLES));
  const keys = Map.groupBy(scenario.keys, ({ organization }) => organization);
  const samples = new Map<string, Sample[]>([...keys.keys()].map((organization) => [organization, []]));
  const look = () => {
    const passedOver = desk.passedOver();
    for (const [organization, seen] of samples) {
      const ids = keys.get(organization) ?? [];
      const out = ids.filter(({ id }) => passedOver.has(id)).length;
      seen.push({ time: queue.now, left: leftOf(provider, organization, queue.now), passedOver: out / ids.length });
    }
    if (queue.now + stepMs <= START + scenario.durationMs) queue.at(queue.now + stepMs, look);
  };
  queue.at(START, look);
  return (marks: readonly Mark[]): Timeline => ({
    scenario,
    strategy,
    lanes: [...keys].map(([organization, ofIt]) => {
      const keyIds = ofIt.map(({ id }) => id);
      const limited = marks.filter(({ keyId }) => keyIds.includes(keyId)).map(({ time }) => time);
      return { organization, keyIds, samples: samples.get(organization) ?? [], limited };
    }),
  });
}

/** Of each limit what is left where least is left, over the model classes. */
function leftOf(provider: ProviderModel, id: string, now: Millis): ReadonlyMap<Dimension, number> {
  const left = new Map<Dimension, number>();
  for (const allowances of provider.organizations.get(id)?.allowances.values() ?? []) {
    for (const [dimension, allowance] of allowances) {
      const share = Math.max(0, allowance.level(now) / allowance.limit);
      left.set(dimension, Math.min(left.get(dimension) ?? 1, share));
    }
  }
  return left;
}
