import { Command } from 'commander';
import { RenewLeaseResponse } from '../../generated/keylease/v1/key_lease_service.ts';
import type { Io } from '../io.ts';
import { leaseSentence } from '../lease-view.ts';
import { durationOption } from '../options.ts';
import { withSession } from '../session.ts';
import { toDuration } from '../words.ts';

/** `keylease renew`: extends a lease. */
export function renewVerb(io: Io): Command {
  return new Command('renew')
    .description('extend a lease')
    .argument('<lease>', 'the id of the lease')
    .option('--ttl <duration>', "from now; left out: the pool's default", durationOption)
    .action((leaseId: string, options: { readonly ttl?: number }, command: Command) =>
      withSession(io, command, async ({ leases, bounded, print }) => {
        const ttl = options.ttl === undefined ? {} : { ttl: toDuration(options.ttl) };
        const answer = await leases.renewLease({ leaseId, ...ttl }, bounded());
        print(RenewLeaseResponse.toJSON(answer), () => leaseSentence(answer.lease, io.now()));
      }),
    );
}
