import { Command } from 'commander';
import { GetKeyResponse } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { keyDetails } from '../key-view.ts';
import { withSession } from '../session.ts';

/** `keylease key`: shows one key with each of its limits. */
export function keyVerb(io: Io): Command {
  return new Command('key')
    .description('show one key with each of its limits')
    .argument('<key>', 'its name in the configuration')
    .option('--pool <pool>', 'its pool; left out: the only one, or the one called default')
    .action((keyId: string, { pool = '' }: { readonly pool?: string }, command: Command) =>
      withSession(io, command, async ({ admin, bounded, print, layout }) => {
        const answer = await admin.getKey({ keyId, pool }, bounded());
        print(GetKeyResponse.toJSON(answer), () => (answer.key ? keyDetails(answer.key, io.now(), layout) : 'No such key.'));
      }),
    );
}
