import { Command } from 'commander';
import { ReleaseLeaseResponse } from '../../generated/keylease/v1/key_lease_service.ts';
import type { Io } from '../io.ts';
import { leaseSentence } from '../lease-view.ts';
import { withSession } from '../session.ts';

/** `keylease release`: gives a lease back unused. */
export function releaseVerb(io: Io): Command {
  return new Command('release')
    .description('give a lease back: the call was not made')
    .argument('<lease>', 'the id of the lease')
    .action((leaseId: string, _options: object, command: Command) =>
      withSession(io, command, async ({ leases, bounded, print }) => {
        const answer = await leases.releaseLease({ leaseId }, bounded());
        print(ReleaseLeaseResponse.toJSON(answer), () => leaseSentence(answer.lease, io.now()));
      }),
    );
}
