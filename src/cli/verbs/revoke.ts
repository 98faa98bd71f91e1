import { Command } from 'commander';
import { RevokeLeaseResponse } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { leaseSentence } from '../lease-view.ts';
import { withSession } from '../session.ts';

/** `keylease revoke`: ends a lease of anyone. */
export function revokeVerb(io: Io): Command {
  return new Command('revoke')
    .description('end a lease; the provider still accepts the key, rotate it there if it must stop working')
    .argument('<lease>', 'the id of the lease')
    .action((leaseId: string, _options: object, command: Command) =>
      withSession(io, command, async ({ admin, bounded, print }) => {
        const answer = await admin.revokeLease({ leaseId }, bounded());
        print(RevokeLeaseResponse.toJSON(answer), () => leaseSentence(answer.lease, io.now()));
      }),
    );
}
