import { describe, expect, test } from 'vitest';
import { KeyState } from '../../../src/generated/keylease/v1/key.ts';
import { startFakeServer } from '../fake-server.ts';
import { makeKey } from '../make.ts';
import { runCli } from '../run-cli.ts';

const server = () =>
  startFakeServer({
    async *watchKeys() {
      yield { keys: [makeKey()] };
      yield { keys: [makeKey({ keyId: 'team-b' })], snapshotComplete: true };
      yield { keys: [makeKey({ state: KeyState.KEY_STATE_DRAINING })] };
      yield { removedKeyIds: ['team-b'] };
    },
  });

describe('keylease keys --watch', () => {
  test('prints the whole table once, then a line a change', async () => {
    const { code, out } = await runCli(['keys', '--watch', '--server', await server()]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "KEY     STATE      REASON  SCORE  LEASES  GROUP  AVAILABLE
      team-a  available           1.00       0  org-1
      team-b  available           1.00       0  org-1
      team-a is draining
      team-b has left the configuration
      "
    `);
  });

  test('draws the table anew on a terminal', async () => {
    const { out } = await runCli(['keys', '--watch', '--server', await server()], { isTerminal: true, env: { NO_COLOR: '1' } });
    const last = out.split('\x1b[H\x1b[J').at(-1);
    expect(last).toContain('team-a  draining');
    expect(last).not.toContain('team-b');
  });

  test('prints a message a line with --json', async () => {
    const { out } = await runCli(['keys', '--watch', '--json', '--server', await server()]);
    const messages = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(messages).toHaveLength(4);
    expect(messages[3]).toEqual({ removedKeyIds: ['team-b'] });
  });
});
