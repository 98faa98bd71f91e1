import { Command } from 'commander';
import { PoolStatus } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { allPages } from '../pages.ts';
import { learning } from '../pool-view.ts';
import { withSession } from '../session.ts';
import { type Column, table } from '../table.ts';
import { number } from '../words.ts';

const COLUMNS: readonly Column<PoolStatus>[] = [
  { title: 'pool', importance: 9, cell: (pool) => pool.pool },
  { title: 'provider', importance: 4, cell: (pool) => pool.provider },
  { title: 'strategy', importance: 3, cell: (pool) => pool.strategy },
  { title: 'keys', importance: 7, right: true, cell: (pool) => number(pool.keys) },
  { title: 'available', importance: 8, right: true, cell: (pool) => number(pool.availableKeys) },
  { title: 'leases', importance: 6, right: true, cell: (pool) => number(pool.activeLeases) },
  { title: 'waiting', importance: 5, right: true, cell: (pool) => number(pool.waiting) },
];

/** Where a pool learns, which is rare, that has a column of its own. */
function columnsOf(pools: readonly PoolStatus[], now: number): readonly Column<PoolStatus>[] {
  const state: Column<PoolStatus> = { title: 'state', importance: 9, cell: (pool) => learning(pool, now) };
  return pools.some((pool) => learning(pool, now) !== '') ? [...COLUMNS, state] : COLUMNS;
}

/** `keylease pools`: lists the pools. */
export function poolsVerb(io: Io): Command {
  return new Command('pools').description('list the pools').action((_options: object, command: Command) =>
    withSession(io, command, async ({ admin, bounded, print, layout }) => {
      const pools = await allPages(
        (pageToken) => admin.listPools({ pageToken }, bounded()),
        (page) => page.pools,
      );
      print({ pools: pools.map(PoolStatus.toJSON) }, () =>
        pools.length === 0 ? 'No pools.' : table(columnsOf(pools, io.now()), pools, layout),
      );
    }),
  );
}
