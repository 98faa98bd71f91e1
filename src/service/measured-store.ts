import { heldOn } from '../pool/hold.ts';
import { NEGLIGIBLE, roomAt } from '../pool/meter.ts';
import type { Change, Lease, PoolConfig } from '../pool/model.ts';
import { isEmpty } from '../store/pool-tables.ts';
import type { Applied, Store } from '../store/store.ts';
import type { Counts } from './counts.ts';

/**
 * The same store, with its commits timed, its failures counted, and every grant held against the limits: what a lease was given must
 * have been there at the moment of the grant. All changes of one turn of the event loop share a commit, so one of them is timed.
 */
export function measuredStore(store: Store, counts: Counts, poolOf: (id: string) => PoolConfig | undefined): Store {
  let isTiming = false;
  const time = (applied: Promise<Applied>) => {
    isTiming = true;
    const start = performance.now();
    applied.then(
      () => {
        isTiming = false;
        counts.commits.record((performance.now() - start) / 1_000);
      },
      () => {
        isTiming = false;
        counts.storeFailures.apply += 1;
      },
    );
  };
  const overcommits = (change: Change): boolean => {
    const pool = poolOf(change.pool);
    const [lease] = change.leases ?? [];
    if (pool === undefined || lease === undefined || store.read(pool).lease(lease.id) !== undefined) return false;
    return isOvercommitted(pool, change, lease, store.now());
  };
  return {
    installationKey: store.installationKey,
    now: () => store.now(),
    serve: (pools) => store.serve(pools),
    read(pool) {
      try {
        return store.read(pool);
      } catch (fault) {
        counts.storeFailures.read += 1;
        throw fault;
      }
    },
    apply(change) {
      if (isEmpty(change)) return store.apply(change);
      const isOver = overcommits(change);
      const applied = store.apply(change);
      if (!isTiming) time(applied);
      if (isOver) applied.then((how) => how === 'applied' && countOvercommit(counts, change.pool), ignored);
      return applied;
    },
    onChange: (listener) => store.onChange(listener),
    onHealth: (listener) => store.onHealth(listener),
    ...(store.learningPools === undefined ? {} : { learningPools: () => store.learningPools?.() ?? [] }),
    close: () => store.close(),
  };
}

/** Whether a grant took more than was left: of a limit that it draws on, or of the leases that its key may have out. */
export function isOvercommitted(pool: PoolConfig, change: Change, lease: Lease, now: number): boolean {
  const key = change.keys?.find(({ id }) => id === lease.keyId);
  const config = pool.keys.find(({ id }) => id === lease.keyId);
  if (key !== undefined && config !== undefined && key.activeLeases > config.leasesMax) return true;
  const meters = change.groups?.find(({ id }) => id === lease.group)?.meters[lease.modelClass] ?? [];
  return meters.some((meter) => heldOn(meter, lease, pool.provider.counting) > 0 && roomAt(meter, now) < -NEGLIGIBLE);
}

function countOvercommit(counts: Counts, poolId: string): void {
  counts.of(poolId).overcommits += 1;
}

/** Whoever asked for the change hears of its failure. */
function ignored(): void {}
