import { Command } from 'commander';
import { DrainKeyResponse } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { keySentence } from '../key-view.ts';
import { leaseTable } from '../lease-view.ts';
import { withSession } from '../session.ts';
import type { Layout } from '../table.ts';
import { counted, plain, relative } from '../words.ts';

/** `keylease drain`: takes a key out for new leases, and tells which are still out. */
export function drainVerb(io: Io): Command {
  return new Command('drain')
    .description('grant no new leases on a key; those that are out go on')
    .argument('<key>', 'its name in the configuration')
    .option('--pool <pool>', 'its pool; left out: the only one, or the one called default')
    .action((keyId: string, { pool = '' }: { readonly pool?: string }, command: Command) =>
      withSession(io, command, async ({ admin, bounded, print, layout }) => {
        const answer = await admin.drainKey({ keyId, pool }, bounded());
        print(DrainKeyResponse.toJSON(answer), () => describe(answer, io.now(), layout));
      }),
    );
}

function describe({ key, leases, lastExpireTime }: DrainKeyResponse, now: number, layout: Layout): string {
  const state = key ? plain(keySentence(key, now)) : '';
  if (lastExpireTime === undefined) return `${state}; no lease is out`;
  const out = counted(key?.activeLeases ?? leases.length, 'lease');
  return `${state}; ${out} still out, the last ends ${relative(lastExpireTime, now)} at the latest\n\n${leaseTable(leases, now, layout)}`;
}
