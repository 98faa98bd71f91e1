import { acquire, type Chance } from '../../src/pool/acquire.ts';
import type { GroupState, PoolConfig } from '../../src/pool/model.ts';
import { freshKey, metersOf } from '../../src/pool/room.ts';
import { Indexes } from '../../src/service/indexes.ts';
import { Pools } from '../../src/service/pools.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { benchConfig, POOL } from '../servers/config.ts';
import { quantile } from '../statistics.ts';

export interface Pick {
  readonly keys: number;
  readonly answer: 'granted' | 'exhausted';
  readonly picks: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

const SIZES = [10, 100, 1_000, 10_000, 100_000];
const PICKS_MIN = 20;
const PICKS_MAX = 20_000;
const MODEL_CLASS = 'sonnet';

const REQUEST = {
  holder: 'anonymous',
  modelClass: MODEL_CLASS,
  requests: 1,
  inputTokens: 1_200,
  outputTokens: 400,
  ttlMs: null,
  affinity: '',
  excluded: new Set<string>(),
  requestId: '',
  contentHash: '',
};

/** How long the pure decision takes by the number of keys, wired as in the service: where all have room, and where none has. */
export async function measurePicks(budgetMs: number): Promise<readonly Pick[]> {
  const picks: Pick[] = [];
  for (const keys of SIZES) {
    for (const answer of ['granted', 'exhausted'] as const) picks.push(await measurePick(keys, answer, budgetMs));
  }
  return picks;
}

async function measurePick(keys: number, answer: Pick['answer'], budgetMs: number): Promise<Pick> {
  const store = memoryStore();
  const pool = poolOf(keys, store);
  await fill(store, pool, answer);
  let lastId = 0;
  const indexes = new Indexes(store);
  const chance: Chance = {
    random: Math.random,
    mintLeaseId: () => `lease-${++lastId}`,
    indexOf: (facts, modelClass) => indexes.of(facts, modelClass),
  };
  const latenciesMs: number[] = [];
  const pickOnce = async () => {
    const facts = store.read(pool);
    const start = performance.now();
    const { outcome, change } = acquire(facts, REQUEST, chance);
    latenciesMs.push(performance.now() - start);
    if (outcome.kind !== answer) throw new Error(`expected ${answer}, not ${outcome.kind}`);
    await store.apply(change);
  };
  const untilOver = async (durationMs: number) => {
    const end = performance.now() + durationMs;
    while (latenciesMs.length < PICKS_MIN || (latenciesMs.length < PICKS_MAX && performance.now() < end)) await pickOnce();
  };
  await untilOver(budgetMs / 2);
  latenciesMs.length = 0;
  await untilOver(budgetMs);
  const micros = (share: number) => quantile(latenciesMs, share) * 1_000;
  return { keys, answer, picks: latenciesMs.length, p50Micros: micros(0.5), p99Micros: micros(0.99) };
}

/** The bench's pool with as many copies of its first key. */
function poolOf(keys: number, store: Store): PoolConfig {
  const pools = new Pools(store.installationKey);
  pools.put(benchConfig().pools);
  const pool = pools.named(POOL) as PoolConfig;
  const first = pool.keys[0] as PoolConfig['keys'][number];
  return { ...pool, keys: Array.from({ length: keys }, (_, order) => ({ ...first, id: `key-${order}`, order })) };
}

/** Uses up all of every key, or of each another part. */
async function fill(store: Store, pool: PoolConfig, answer: Pick['answer']): Promise<void> {
  const { now } = store.read(pool);
  const groups = pool.keys.map((config, place): GroupState => {
    const share = answer === 'exhausted' ? 1 : ((place * 7_919) % 1_000) / 2_000;
    const meters = metersOf(undefined, config, MODEL_CLASS).map((meter) => ({
      ...meter,
      deficit: meter.limit * share,
      at: now,
      reserved: 0,
    }));
    return {
      id: config.id,
      version: 0,
      blocks: {},
      meters: { [MODEL_CLASS]: meters.map((meter) => (share < 1 ? meter : { ...meter, at: now + 3_600_000 })) },
    };
  });
  await store.apply({ pool: pool.id, keys: pool.keys.map(freshKey), groups });
}
