import type { Logger } from 'pino';
import type { Generations } from '../service/generations.ts';
import type { Store } from '../store/store.ts';
import type { Readiness } from './readiness.ts';

/** While the store is lost the process is not ready; once it is back the pools recover. */
export function followStore(store: Store, generations: Generations, readiness: Readiness, log: Logger): void {
  const recover = async () => {
    await generations.recover().catch((err: unknown) => log.error({ err }, 'the store was lost again'));
    log.info('the store is back');
    warnOfLearning(store, log);
  };
  store.onHealth((cause) => {
    readiness.show('store', cause);
    if (cause !== null) log.error({ err: cause }, 'the store is lost: no key is leased until it is back');
    else void recover();
  });
}

/** Says in which pools nothing is granted because the store may have forgotten what was. */
export function warnOfLearning(store: Store, log: Logger): void {
  for (const pool of store.learningPools?.() ?? [])
    log.warn(
      { pool },
      'the store may have forgotten grants: nothing is granted until the missing replicas are back, or the longest lease is over',
    );
}
