import { describe, expect, test } from 'vitest';
import { KeyState } from '../../../src/generated/keylease/v1/key.ts';
import { LeaseState } from '../../../src/generated/keylease/v1/lease.ts';
import { startFakeServer } from '../fake-server.ts';
import { after, makeKey, makeLease } from '../make.ts';
import { runCli } from '../run-cli.ts';

const leaseAs =
  (state: LeaseState) =>
  async ({ leaseId }: { leaseId: string }) => ({ lease: makeLease({ leaseId, state }) });
const keyAs =
  (state: KeyState) =>
  async ({ keyId, pool }: { keyId: string; pool: string }) => ({ key: makeKey({ keyId: `${pool}/${keyId}`, state }) });

const calls = {
  releaseLease: leaseAs(LeaseState.LEASE_STATE_RELEASED),
  revokeLease: leaseAs(LeaseState.LEASE_STATE_REVOKED),
  renewLease: async ({ ttl }: { ttl: { seconds: number } | undefined }) => ({
    lease: makeLease({ expireTime: after(ttl?.seconds ?? 60) }),
  }),
  markHealthy: keyAs(KeyState.KEY_STATE_AVAILABLE),
  enableKey: keyAs(KeyState.KEY_STATE_AVAILABLE),
  drainKey: keyAs(KeyState.KEY_STATE_DRAINING),
};

describe('verbs that act', () => {
  test.each([
    { args: 'release l-7', out: 'lease l-7 on team-a is released' },
    { args: 'revoke l-7', out: 'lease l-7 on team-a is revoked' },
    { args: 'renew l-1', out: 'lease l-1 on team-a is active, ends in 1m' },
    { args: 'renew l-1 --ttl 5m', out: 'lease l-1 on team-a is active, ends in 5m' },
    { args: 'mark-healthy a --pool p', out: 'p/a is available' },
    { args: 'enable a --pool p', out: 'p/a is available' },
    { args: 'drain a --pool p', out: 'p/a is draining; no lease is out' },
  ])('keylease $args answers "$out"', async ({ args, out }) => {
    const server = await startFakeServer(calls);
    expect(await runCli([...args.split(' '), '--server', server])).toEqual({ code: 0, out: `${out}\n`, err: '' });
  });

  test.each(['release l-7', 'revoke l-7', 'renew l-7', 'mark-healthy a', 'enable a', 'drain a'])(
    'keylease %s prints JSON with --json',
    async (args) => {
      const server = await startFakeServer(calls);
      const { out } = await runCli([...args.split(' '), '--json', '--server', server]);
      expect(Object.keys(JSON.parse(out))).toHaveLength(1);
    },
  );

  test('drain lists the leases that are still out and when the last one ends', async () => {
    const server = await startFakeServer({
      drainKey: async () => ({
        key: makeKey({ state: KeyState.KEY_STATE_DRAINING, activeLeases: 1 }),
        leases: [makeLease()],
        lastExpireTime: after(60),
      }),
    });
    const { out } = await runCli(['drain', 'team-a', '--server', server]);
    expect(out).toMatchInlineSnapshot(`
      "team-a is draining; 1 lease still out, the last ends in 1m at the latest

      KEY     HOLDER     MODEL CLASS  REQUESTS  GRANTED  ENDS   LEASE
      team-a  anonymous  sonnet            0/1  now      in 1m  l-1
      "
    `);
  });

  test.each([
    {
      answer: { generation: 2, addedKeys: ['p/a', 'p/b'], rotatedKeys: ['p/c'] },
      out: 'generation  2\nadded       p/a, p/b\nrotated     p/c\n',
    },
    { answer: { generation: 1_000 }, out: 'generation  1,000\nkeys        the same as before\n' },
  ])('reload tells what has changed', async ({ answer, out }) => {
    const server = await startFakeServer({ reloadConfig: async () => answer });
    expect(await runCli(['reload', '--server', server])).toEqual({ code: 0, out, err: '' });
  });
});
