import { Command } from 'commander';
import { EnableKeyResponse } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { keySentence } from '../key-view.ts';
import { withSession } from '../session.ts';
import { plain } from '../words.ts';

/** `keylease enable`: undoes `keylease drain`. */
export function enableVerb(io: Io): Command {
  return new Command('enable')
    .description('lease a drained key again')
    .argument('<key>', 'its name in the configuration')
    .option('--pool <pool>', 'its pool; left out: the only one, or the one called default')
    .action((keyId: string, { pool = '' }: { readonly pool?: string }, command: Command) =>
      withSession(io, command, async ({ admin, bounded, print }) => {
        const answer = await admin.enableKey({ keyId, pool }, bounded());
        print(EnableKeyResponse.toJSON(answer), () => (answer.key ? plain(keySentence(answer.key, io.now())) : ''));
      }),
    );
}
