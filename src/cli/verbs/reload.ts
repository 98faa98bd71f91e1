import { Command } from 'commander';
import { ReloadConfigResponse } from '../../generated/keylease/v1/pool_admin_service.ts';
import type { Io } from '../io.ts';
import { withSession } from '../session.ts';
import { fields } from '../table.ts';
import { number } from '../words.ts';

/** `keylease reload`: the server reads its configuration again. */
export function reloadVerb(io: Io): Command {
  return new Command('reload').description('read the configuration again').action((_options: object, command: Command) =>
    withSession(io, command, async ({ admin, bounded, print }) => {
      const answer = await admin.reloadConfig({}, bounded());
      print(ReloadConfigResponse.toJSON(answer), () => describe(answer));
    }),
  );
}

function describe({ generation, addedKeys, removedKeys, rotatedKeys }: ReloadConfigResponse): string {
  const unchanged = addedKeys.length + removedKeys.length + rotatedKeys.length === 0;
  return fields([
    ['generation', number(generation)],
    ['added', addedKeys.join(', ')],
    ['removed', removedKeys.join(', ')],
    ['rotated', rotatedKeys.join(', ')],
    ['keys', unchanged ? 'the same as before' : ''],
  ]);
}
