import { describe, expect, test } from 'vitest';
import { Dimension, KeyState, UnhealthyReason } from '../../../src/generated/keylease/v1/key.ts';
import { startFakeServer } from '../fake-server.ts';
import { after, makeKey, makeLease, makeLimit } from '../make.ts';
import { NOW, runCli } from '../run-cli.ts';

const keys = [
  makeKey({
    activeLeases: 2,
    capacityScore: 0.987,
    limits: [
      makeLimit({ dimension: Dimension.DIMENSION_REQUESTS, limit: 50, remaining: 48 }),
      makeLimit(),
      makeLimit({ modelClass: 'opus', remaining: 1_000 }),
    ],
  }),
  makeKey({
    keyId: 'team-b',
    limitGroup: 'org-2',
    state: KeyState.KEY_STATE_COOLDOWN,
    reason: UnhealthyReason.UNHEALTHY_REASON_RATE_LIMITED,
    message: 'asked\x1b[2J too much',
    availableTime: after(16),
    capacityScore: 0,
  }),
];

/** One key a page. */
const listKeys = async ({ pageToken }: { pageToken: string }) => {
  const place = Number(pageToken);
  return { keys: [keys[place]!], nextPageToken: place === 0 ? '1' : '' };
};

describe('keylease keys', () => {
  test('prints every page as one table, with the tightest limit of each dimension', async () => {
    const server = await startFakeServer({ listKeys });
    const { code, out } = await runCli(['keys', '--server', server]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "KEY     STATE      REASON        SCORE  REQUESTS         INPUT  LEASES  GROUP  AVAILABLE
      team-a  available                 0.99     48/50  1,000/30,000       2  org-1
      team-b  cooldown   rate limited   0.00                               0  org-2  in 16s
      "
    `);
  });

  test('prints every page as one JSON list', async () => {
    const server = await startFakeServer({ listKeys });
    const { out } = await runCli(['keys', '--json', '--server', server]);
    expect(JSON.parse(out).keys.map((key: { keyId: string }) => key.keyId)).toEqual(['team-a', 'team-b']);
  });

  test('an empty list is still a list', async () => {
    const server = await startFakeServer({ listKeys: async () => ({}) });
    const people = await runCli(['keys', '--server', server]);
    const program = await runCli(['keys', '--json', '--server', server]);
    expect([people.out, JSON.parse(program.out)]).toEqual(['No keys.\n', { keys: [] }]);
  });

  test('stays within a terminal, in colour', async () => {
    const server = await startFakeServer({ listKeys });
    const { out } = await runCli(['keys', '--server', server], { isTerminal: true, columns: 40 });
    expect(out.split('\n')[0]!.length).toBeLessThanOrEqual(40);
    expect(out).toContain('\x1b[33mcooldown ');
  });

  test.each([
    { rule: 'NO_COLOR is set', io: { isTerminal: true, env: { NO_COLOR: '1' } } },
    { rule: 'it is no terminal', io: { isTerminal: false } },
  ])('is without colour where $rule', async ({ io }) => {
    const server = await startFakeServer({ listKeys });
    const { out } = await runCli(['keys', '--server', server], io);
    expect(out).not.toContain('\x1b');
  });
});

describe('keylease key', () => {
  test('prints one key and each of its limits', async () => {
    const server = await startFakeServer({ getKey: async ({ keyId, pool }) => ({ key: { ...keys[0], keyId, pool } }) });
    const { code, out } = await runCli(['key', 'team-a', '--pool', 'p', '--server', server]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "key          team-a
      pool         p
      state        available
      score        0.99
      leases       2
      group        org-1
      weight       1
      priority     0
      reported     never
      fingerprint  0a1b2c3d

      LIMIT         MODEL CLASS  WINDOW      REMAINING  RESERVED  FULL  SOURCE
      requests                   1m              48/50         0        learned
      input tokens               1m      29,987/30,000         0        learned
      input tokens  opus         1m       1,000/30,000         0        learned
      "
    `);
  });

  test('prints what others wrote without its control characters', async () => {
    const server = await startFakeServer({ getKey: async () => ({ key: keys[1] }) });
    const { out } = await runCli(['key', 'team-b', '--server', server]);
    expect(out).toContain('message      asked [2J too much\n');
    expect(out).toContain('No limit is known yet.');
  });

  test('prints the response as JSON with --json', async () => {
    const server = await startFakeServer({ getKey: async () => ({ key: keys[0] }) });
    const { out } = await runCli(['key', 'team-a', '--json', '--server', server]);
    expect(JSON.parse(out).key).toMatchObject({ keyId: 'team-a', state: 'KEY_STATE_AVAILABLE', limits: [{ limit: 50 }, {}, {}] });
  });
});

describe('keylease pools', () => {
  test('prints a table', async () => {
    const pool = {
      pool: 'default',
      provider: 'anthropic',
      strategy: 'least_loaded',
      keys: 4,
      availableKeys: 3,
      activeLeases: 1_200,
      waiting: 0,
    };
    const server = await startFakeServer({ listPools: async () => ({ pools: [pool] }) });
    const { code, out } = await runCli(['pools', '--server', server]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "POOL     PROVIDER   STRATEGY      KEYS  AVAILABLE  LEASES  WAITING
      default  anthropic  least_loaded     4          3   1,200        0
      "
    `);
  });

  test('says which one learns, and when it grants', async () => {
    const pools = [
      { pool: 'chat', keys: 4, availableKeys: 3 },
      { pool: 'evals', keys: 1, availableKeys: 1, grantsFromTime: { seconds: NOW / 1_000 + 16, nanos: 0 } },
    ];
    const server = await startFakeServer({ listPools: async () => ({ pools }) });
    const { out } = await runCli(['pools', '--server', server]);
    expect(out).toMatchInlineSnapshot(`
      "POOL   PROVIDER  STRATEGY  KEYS  AVAILABLE  LEASES  WAITING  STATE
      chat                          4          3       0        0
      evals                         1          1       0        0  learning, grants in 16s
      "
    `);
  });
});

describe('keylease leases', () => {
  test('prints a table of those that were asked for', async () => {
    const server = await startFakeServer({ listLeases: async ({ keyId, holder }) => ({ leases: [makeLease({ keyId, holder })] }) });
    const { code, out } = await runCli(['leases', '--key', 'team-b', '--holder', 'worker', '--server', server]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "KEY     HOLDER  MODEL CLASS  REQUESTS  GRANTED  ENDS   LEASE
      team-b  worker  sonnet            0/1  now      in 1m  l-1
      "
    `);
  });

  test('leaves out the ids where they do not fit, and says how to see them', async () => {
    const server = await startFakeServer({ listLeases: async () => ({ leases: [makeLease({ leaseId: 'l'.repeat(150) })] }) });
    const { out } = await runCli(['leases', '--server', server], { isTerminal: true });
    expect(out).toContain('team-a  anonymous  sonnet');
    expect(out).not.toContain('lll');
    expect(out).toContain('The ids do not fit here: add --json, or pipe this to another command.');
  });
});
