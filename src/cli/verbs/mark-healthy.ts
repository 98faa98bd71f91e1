import { Command } from 'commander';
import { MarkHealthyResponse } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { keySentence } from '../key-view.ts';
import { withSession } from '../session.ts';
import { plain } from '../words.ts';

/** `keylease mark-healthy`: ends the cooldowns and illness of a key and its limit group. */
export function markHealthyVerb(io: Io): Command {
  return new Command('mark-healthy')
    .description('make a key well: end its cooldowns, illness and probation')
    .argument('<key>', 'its name in the configuration')
    .option('--pool <pool>', 'its pool; left out: the only one, or the one called default')
    .action((keyId: string, { pool = '' }: { readonly pool?: string }, command: Command) =>
      withSession(io, command, async ({ admin, bounded, print }) => {
        const answer = await admin.markHealthy({ keyId, pool }, bounded());
        print(MarkHealthyResponse.toJSON(answer), () => (answer.key ? plain(keySentence(answer.key, io.now())) : ''));
      }),
    );
}
