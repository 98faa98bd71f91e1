import type { KeyConfig, PoolConfig } from '../pool/model.ts';
import type { RetryAdvice } from '../pool/retry.ts';
import type { Dimension, Millis, Observation } from '../pool/upstream.ts';
import { judge } from '../provider/judge.ts';
import type { Desk, DeskAnswer, DeskReport } from './desk.ts';
import type { EventQueue } from './events.ts';
import type { Call } from './scenario.ts';

/** Where a 429 does not say how long to wait. */
const WAIT_MS = 1_000;

const NO_RETRY: RetryAdvice = { action: 'none', delayMs: null };

/** Each key in turn, whatever was answered; a client waits as it is told, and then asks again. */
export class PlainRoundRobin implements Desk {
  readonly #pool: PoolConfig;
  #turn = 0;

  constructor(pool: PoolConfig) {
    this.#pool = pool;
  }

  acquire(_call: Call, _excluded: ReadonlySet<string>, _waitMaxMs: number, answer: (answer: DeskAnswer) => void): void {
    const { keys } = this.#pool;
    const key = keys[this.#turn % keys.length] as KeyConfig;
    this.#turn += 1;
    answer({ kind: 'granted', grant: { keyId: key.id, lease: null } });
  }

  report({ status, headers, responseTime }: DeskReport): RetryAdvice {
    if (status < 400) return NO_RETRY;
    const waitMs = this.#pool.provider.readHeaders(headers, responseTime).retryAfterMs;
    return status === 401 ? { action: 'other_key', delayMs: null } : { action: 'after_delay', delayMs: waitMs ?? WAIT_MS };
  }

  states(): ReadonlyMap<string, number> {
    return new Map([['available', this.#pool.keys.length]]);
  }

  passedOver(): ReadonlySet<string> {
    return new Set();
  }
}

/** What is known of a key: its last headers, and until when it is passed over. */
interface Known {
  readonly config: KeyConfig;
  observations: readonly Observation[];
  until: Millis;
}

/** The least loaded key by the last headers of each. Nothing is reserved and nothing refills until the next headers say so. */
export class LastHeaders implements Desk {
  readonly #pool: PoolConfig;
  readonly #queue: EventQueue;
  readonly #keys: ReadonlyMap<string, Known>;

  constructor(pool: PoolConfig, queue: EventQueue) {
    this.#pool = pool;
    this.#queue = queue;
    this.#keys = new Map(pool.keys.map((config) => [config.id, { config, observations: [], until: Number.NEGATIVE_INFINITY }]));
  }

  acquire(_call: Call, excluded: ReadonlySet<string>, _waitMaxMs: number, answer: (answer: DeskAnswer) => void): void {
    const open = [...this.#keys.values()].filter(({ until }) => until <= this.#queue.now);
    const others = open.filter(({ config }) => !excluded.has(config.id));
    const candidates = others.length > 0 ? others : open;
    if (candidates.length === 0) {
      const earliest = Math.min(...[...this.#keys.values()].map(({ until }) => until));
      answer({ kind: 'refused', retryTime: earliest === Number.POSITIVE_INFINITY ? null : earliest });
      return;
    }
    const best = candidates.reduce((a, b) => (score(b.observations) > score(a.observations) ? b : a));
    answer({ kind: 'granted', grant: { keyId: best.config.id, lease: null } });
  }

  report({ grant, status, headers, body, responseTime }: DeskReport): RetryAdvice {
    const key = this.#keys.get(grant.keyId) as Known;
    const { provider } = this.#pool;
    const reading = provider.readHeaders(headers, responseTime);
    if (reading.observations.length > 0) key.observations = reading.observations;
    const { verdict, waitMs } = judge(provider, { status, body, headers, responseTime, retryAfterMs: reading.retryAfterMs });
    if (verdict === 'ok') return NO_RETRY;
    if (verdict === 'rate_limited') key.until = Math.max(key.until, this.#queue.now + (waitMs ?? WAIT_MS));
    if (verdict === 'invalid_credential') key.until = Number.POSITIVE_INFINITY;
    return verdict === 'rate_limited' || verdict === 'invalid_credential'
      ? { action: 'other_key', delayMs: null }
      : { action: 'after_delay', delayMs: WAIT_MS };
  }

  states(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { until } of this.#keys.values()) {
      const state = until === Number.POSITIVE_INFINITY ? 'unhealthy' : until > this.#queue.now ? 'cooldown' : 'available';
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  passedOver(): ReadonlySet<string> {
    return new Set([...this.#keys.values()].filter(({ until }) => until > this.#queue.now).map(({ config }) => config.id));
  }
}

/** (request share + token share) / 2 of what the headers said was left; what they did not tell counts as whole. */
function score(observations: readonly Observation[]): number {
  const share = (...dimensions: readonly Dimension[]) => {
    const told = observations.filter(({ dimension, limit }) => dimensions.includes(dimension) && limit !== null && limit > 0);
    const limit = told.reduce((sum, each) => sum + (each.limit ?? 0), 0);
    return limit === 0 ? 1 : told.reduce((sum, each) => sum + (each.remaining ?? each.limit ?? 0), 0) / limit;
  };
  return (share('requests') + share('input_tokens', 'output_tokens', 'tokens')) / 2;
}
