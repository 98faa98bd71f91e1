import { Command } from 'commander';
import { Lease } from '../../generated/keylease/v1/lease.ts';
import type { Io } from '../io.ts';
import { leaseTable } from '../lease-view.ts';
import { allPages } from '../pages.ts';
import { withSession } from '../session.ts';

interface Options {
  readonly pool?: string;
  readonly key?: string;
  readonly holder?: string;
}

/** `keylease leases`: lists the leases under way, oldest first. */
export function leasesVerb(io: Io): Command {
  return new Command('leases')
    .description('list the leases under way')
    .option('--pool <pool>', 'the pool; left out: the only one, or the one called default')
    .option('--key <key>', 'only leases on this key')
    .option('--holder <holder>', 'only leases of this holder')
    .action(({ pool = '', key: keyId = '', holder = '' }: Options, command: Command) =>
      withSession(io, command, async ({ admin, bounded, print, layout }) => {
        const leases = await allPages(
          (pageToken) => admin.listLeases({ pool, keyId, holder, pageToken }, bounded()),
          (page) => page.leases,
        );
        print({ leases: leases.map(Lease.toJSON) }, () => leaseTable(leases, io.now(), layout));
      }),
    );
}
