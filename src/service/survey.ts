import { setImmediate } from 'node:timers/promises';
import type { Facts, PoolConfig } from '../pool/model.ts';
import { type KeyStateName, type KeyView, keyView } from '../pool/status.ts';
import type { Millis } from '../pool/upstream.ts';
import type { Store } from '../store/store.ts';

/** Keys looked at in one turn of the event loop, so that calls are not held up by a large pool. */
const KEYS_IN_TURN = 200;

export const KEY_STATES: readonly KeyStateName[] = ['available', 'probation', 'cooldown', 'unhealthy', 'draining'];

/** What is to be seen of a pool as a whole. */
export interface PoolSurvey {
  readonly states: Readonly<Record<KeyStateName, number>>;
  readonly activeLeases: number;
  /** Keys of which no limit is known, neither configured nor told by responses. */
  readonly limitless: number;
  readonly grantsFrom: Millis | null;
}

/** While a pool learns which grants the store has forgotten: until when nothing is granted; null: it does not learn. */
export function grantsFromOf({ grantsFrom = 0, now }: Facts): Millis | null {
  return grantsFrom > now ? grantsFrom : null;
}

/** Looks at every key of a pool, a few in each turn; throws StoreLost where the store is lost meanwhile. */
export async function survey(
  store: Store,
  pool: PoolConfig,
  visit: (view: KeyView, now: number) => void,
  keysInTurn = KEYS_IN_TURN,
): Promise<PoolSurvey> {
  const states = { available: 0, probation: 0, cooldown: 0, unhealthy: 0, draining: 0 };
  let [activeLeases, limitless] = [0, 0];
  let grantsFrom: Millis | null = null;
  for (let place = 0; place < pool.keys.length; place += keysInTurn) {
    if (place > 0) await setImmediate();
    const facts = store.read(pool);
    grantsFrom = grantsFromOf(facts);
    for (const config of pool.keys.slice(place, place + keysInTurn)) {
      const view = keyView(facts, config, null);
      states[view.state] += 1;
      activeLeases += view.activeLeases;
      if (view.limits.length === 0) limitless += 1;
      visit(view, facts.now);
    }
  }
  return { states, activeLeases, limitless, grantsFrom };
}
