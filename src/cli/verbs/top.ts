import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { KeyStatus } from '../../generated/keylease/v1/key.ts';
import { PoolStatus } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { durationOption } from '../options.ts';
import { allPages } from '../pages.ts';
import { globalOptions, type Session, withSession } from '../session.ts';
import { type PoolShown, topScreen } from '../top-view.ts';

const CLEAR_SCREEN = '\x1b[H\x1b[J';
const INTERVAL_MS = 1_000;

/** Keys of a pool that are fetched for one screen; no terminal is higher. */
const KEYS_MAX = 1_000;

interface Options {
  readonly interval: number;
  readonly once?: true;
}

/** `keylease top`: every pool with its keys, drawn anew again and again until Ctrl-C; once where the output is no terminal. */
export function topVerb(io: Io): Command {
  return new Command('top')
    .description('show every pool live; keys in trouble come first')
    .addOption(new Option('--interval <duration>', 'time between two screens').argParser(durationOption).default(INTERVAL_MS, '1s'))
    .option('--once', 'print one screen and end')
    .action((options: Options, command: Command) =>
      withSession(io, command, async (session) => {
        const { server } = globalOptions(command);
        const live = io.isTerminal && !options.once && !session.json;
        do {
          const pools = await look(session);
          const screen = { ...session.layout, width: io.isTerminal ? io.columns : null, rows: live ? io.rows - 1 : null };
          const message = {
            pools: pools.map(({ status, keys }) => ({ pool: PoolStatus.toJSON(status), keys: keys.map(KeyStatus.toJSON) })),
          };
          if (live) io.out(CLEAR_SCREEN);
          session.print(message, () => topScreen(server, pools, io.now(), screen));
          if (live) await sleep(options.interval);
        } while (live);
      }),
    );
}

async function look({ admin, bounded }: Session): Promise<readonly PoolShown[]> {
  const pools = await allPages(
    (pageToken) => admin.listPools({ pageToken }, bounded()),
    (page) => page.pools,
  );
  return Promise.all(
    pools.map(async (status) => ({
      status,
      keys: (await admin.listKeys({ pool: status.pool, pageSize: KEYS_MAX }, bounded())).keys,
    })),
  );
}
