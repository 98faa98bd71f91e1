import { redisOptions } from '../../app/open-store.ts';
import type { RedisSettings } from '../../config/config.ts';
import { StoreNotOpened } from '../../store/file-errors.ts';
import { checkUpServers } from '../../store/redis/redis.ts';
import { type Finding, fault, fine, warning } from './finding.ts';

/** The servers of the store that replicas share: whether they are there, and safe. */
export async function checkServers(settings: RedisSettings): Promise<readonly Finding[]> {
  try {
    const warnings = await checkUpServers(redisOptions(settings));
    return [fine('store', 'the servers of the store answer'), ...warnings.map((told) => warning('store', told))];
  } catch (error) {
    if (!(error instanceof StoreNotOpened)) throw error;
    return [fault('store', error.message)];
  }
}
