import { describe, expect, test } from 'vitest';
import { topScreen } from '../../../src/cli/top-view.ts';
import { KeyState } from '../../../src/generated/keylease/v1/key.ts';
import { PoolStatus } from '../../../src/generated/keylease/v1/pool_admin_service.ts';
import { startFakeServer } from '../fake-server.ts';
import { makeKey } from '../make.ts';
import { NOW, runCli } from '../run-cli.ts';

const makePool = (overrides: Partial<PoolStatus> = {}) =>
  PoolStatus.fromPartial({
    ...{ pool: 'default', provider: 'anthropic', strategy: 'least_loaded', keys: 3, availableKeys: 2, activeLeases: 1 },
    ...overrides,
  });

const KEYS = [
  makeKey({ keyId: 'roomy', capacityScore: 0.9 }),
  makeKey({ keyId: 'tight', capacityScore: 0.1 }),
  makeKey({ keyId: 'ill', capacityScore: 0, state: KeyState.KEY_STATE_UNHEALTHY }),
];

const screen = { width: null, colour: false, rows: null };

describe('keylease top', () => {
  test('prints every pool once where the output is no terminal', async () => {
    const server = await startFakeServer({
      listPools: async () => ({ pools: [makePool(), makePool({ pool: 'spare', keys: 1, availableKeys: 1, activeLeases: 0 })] }),
      listKeys: async ({ pool }) => ({ keys: pool === 'default' ? KEYS : [makeKey({ pool })] }),
    });
    const { code, out } = await runCli(['top', '--server', server]);
    expect(code).toBe(0);
    expect(out.replace(server, 'SERVER')).toMatchInlineSnapshot(`
      "SERVER  3 of 4 keys available  1 lease  0 waiting

      default (anthropic, least_loaded)  2 of 3 keys available  1 lease  0 waiting
      KEY    STATE      REASON  SCORE  LEASES  GROUP  AVAILABLE
      ill    unhealthy           0.00       0  org-1
      tight  available           0.10       0  org-1
      roomy  available           0.90       0  org-1

      spare (anthropic, least_loaded)  1 of 1 key available  0 leases  0 waiting
      KEY     STATE      REASON  SCORE  LEASES  GROUP  AVAILABLE
      team-a  available           1.00       0  org-1
      "
    `);
  });

  test('prints one message with --json', async () => {
    const server = await startFakeServer({ listPools: async () => ({ pools: [makePool()] }), listKeys: async () => ({ keys: KEYS }) });
    const { out } = await runCli(['top', '--json', '--server', server]);
    expect(JSON.parse(out).pools).toMatchObject([
      { pool: { pool: 'default' }, keys: [{ keyId: 'roomy' }, { keyId: 'tight' }, { keyId: 'ill' }] },
    ]);
  });
});

describe('a screen', () => {
  test('shows keys in trouble first, then those with the least room', () => {
    const order = [...topScreen('here', [{ status: makePool(), keys: KEYS }], NOW, screen).matchAll(/^(roomy|tight|ill)/gm)].map(
      ([id]) => id,
    );
    expect(order).toEqual(['ill', 'tight', 'roomy']);
  });

  test('says of a pool that learns when it grants', () => {
    const status = makePool({ grantsFromTime: { seconds: NOW / 1_000 + 16, nanos: 0 } });
    const [, , sentence] = topScreen('here', [{ status, keys: KEYS }], NOW, screen).split('\n');
    expect(sentence).toBe('default (anthropic, least_loaded)  2 of 3 keys available  1 lease  0 waiting  learning, grants in 16s');
  });

  test('is never higher than the terminal, and counts the keys that it leaves out', () => {
    const keys = Array.from({ length: 50 }, (_, index) => makeKey({ keyId: `key-${index}` }));
    const lines = topScreen('here', [{ status: makePool({ keys: 2_000 }), keys }], NOW, { ...screen, rows: 12 }).split('\n');
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(lines.at(-1)).toBe('and 1,993 more');
  });
});
