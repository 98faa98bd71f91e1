import type { Config } from '../../config/config.ts';
import type { Io } from '../io.ts';
import { keyTable } from '../key-view.ts';
import { withServices } from '../session.ts';
import type { Layout } from '../table.ts';
import { counted } from '../words.ts';
import { demoConfig } from './demo-config.ts';
import { followKeys } from './follow-keys.ts';
import { askLeased } from './leased.ts';
import type { Screen } from './screen.ts';
import type { Stage } from './stage.ts';
import { type Keys, tellChanges } from './story.ts';

/** Starts the server of a configuration, which logs nothing. */
export type StartApp = (config: Config) => Promise<{ readonly addresses: readonly string[]; close(): Promise<void> }>;

const CONNECT_MS = 5_000;
const LOOK_MS = 250;
const ROUTINE_MAX = 6;

/** Plays the load through a keylease server started for it, telling what the server says about its keys. */
export async function leasedPhase(io: Io, screen: Screen, layout: Layout, startApp: StartApp, { provider, play }: Stage): Promise<void> {
  const app = await startApp(demoConfig());
  try {
    await withServices(app.addresses[0]!, CONNECT_MS, async (services) => {
      const followed = await followKeys(services.admin);
      const narrator = createNarrator(screen, io, followed.keys);
      const looks = setInterval(() => {
        narrator.look();
        screen.picture(keyTable([...followed.keys.values()], io.now(), layout));
      }, LOOK_MS);
      try {
        await play(askLeased(provider.url, services));
      } finally {
        clearInterval(looks);
        followed.stop();
      }
      narrator.end();
      const { keys } = await services.admin.listKeys({});
      screen.line(keyTable(keys, io.now(), layout));
    });
  } finally {
    await app.close();
  }
}

/** Tells what has changed since the last look, of what is routine only the first sentences; the end tells how many were left out. */
function createNarrator(screen: Screen, io: Io, keys: Keys) {
  let seen: Keys = new Map(keys);
  let routine = 0;
  const look = () => {
    for (const sentence of tellChanges(seen, keys, io.now())) {
      if (sentence.routine) routine += 1;
      if (!sentence.routine || routine <= ROUTINE_MAX) screen.event(sentence.text);
    }
    seen = new Map(keys);
  };
  return {
    look,
    end() {
      look();
      if (routine > ROUTINE_MAX) screen.event(`${counted(routine - ROUTINE_MAX, 'more cooldown')} that began or ended`);
    },
  };
}
