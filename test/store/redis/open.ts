import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../../src/store/redis/connection.ts';
import { openRedisStore, type RedisStoreOptions } from '../../../src/store/redis/redis.ts';
import type { Store } from '../../../src/store/store.ts';
import { ACCESS } from '../../support/redis.ts';
import { makePool } from '../records.ts';

/** Settings of a store on this server, with a prefix that nothing else has. */
export function settingsOf(at: Endpoint, options: Partial<RedisStoreOptions> = {}): RedisStoreOptions {
  return { place: { kind: 'single', at }, access: ACCESS, prefix: randomUUID(), durability: 'ack', emptyMs: 0, ...options };
}

/** Opens a replica that serves the pool `p`; it is closed when the test is over. */
export async function openReplica(settings: RedisStoreOptions): Promise<Store> {
  const store = await openRedisStore(settings);
  onTestFinished(() => store.close());
  await store.serve([makePool()]);
  return store;
}

/** What the store says of its health from now on. */
export function healthOf(store: Store): ('lost' | 'back')[] {
  const health: ('lost' | 'back')[] = [];
  store.onHealth((cause) => health.push(cause === null ? 'back' : 'lost'));
  return health;
}
