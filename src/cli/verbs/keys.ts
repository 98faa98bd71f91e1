import { Command } from 'commander';
import { KeyStatus } from '../../generated/keylease/v1/key.ts';
import type { Io } from '../io.ts';
import { keyTable } from '../key-view.ts';
import { allPages } from '../pages.ts';
import { type Session, withSession } from '../session.ts';
import { watchKeys } from '../watch-keys.ts';

interface Options {
  readonly pool?: string;
  readonly watch?: true;
}

/** `keylease keys`: lists the keys of a pool, or follows them with --watch. */
export function keysVerb(io: Io): Command {
  return new Command('keys')
    .description('list the keys of a pool')
    .option('--pool <pool>', 'the pool; left out: the only one, or the one called default')
    .option('--watch', 'go on, and show what changes')
    .action((options: Options, command: Command) =>
      withSession(io, command, (session) =>
        options.watch ? watchKeys(session, options.pool ?? '') : listKeys(session, options.pool ?? ''),
      ),
    );
}

async function listKeys({ admin, io, layout, bounded, print }: Session, pool: string): Promise<void> {
  const keys = await allPages(
    (pageToken) => admin.listKeys({ pool, pageToken }, bounded()),
    (page) => page.keys,
  );
  print({ keys: keys.map(KeyStatus.toJSON) }, () => keyTable(keys, io.now(), layout));
}
