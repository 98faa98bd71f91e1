import { describe, expect, test } from 'vitest';
import { KeyState, UnhealthyReason } from '../../../src/generated/keylease/v1/key.ts';
import { MarkUnhealthyRequest } from '../../../src/generated/keylease/v1/key_lease_service.ts';
import { startFakeServer } from '../fake-server.ts';
import { makeKey } from '../make.ts';
import { runCli } from '../run-cli.ts';

const sick = makeKey({ state: KeyState.KEY_STATE_UNHEALTHY, reason: UnhealthyReason.UNHEALTHY_REASON_BILLING });

async function mark(args: readonly string[], answer = { key: sick, applied: true, note: '' }) {
  const requests: MarkUnhealthyRequest[] = [];
  const server = await startFakeServer({
    async markUnhealthy(request) {
      requests.push(request);
      return answer;
    },
  });
  return { ...(await runCli(['--server', server, 'mark-unhealthy', ...args])), request: requests[0] };
}

describe('keylease mark-unhealthy', () => {
  test('marks a key by its name', async () => {
    const { code, out, request } = await mark('team-a --pool p --reason billing --cooldown 5m --message broke'.split(' '));
    expect([code, out]).toEqual([0, 'team-a is unhealthy (billing)\n']);
    expect(request).toEqual(
      MarkUnhealthyRequest.fromPartial({
        target: { $case: 'keyId', value: 'team-a' },
        pool: 'p',
        reason: UnhealthyReason.UNHEALTHY_REASON_BILLING,
        cooldown: { seconds: 300 },
        message: 'broke',
      }),
    );
  });

  test('marks the key of a lease', async () => {
    const { request } = await mark(['--lease', 'l-1', '--reason', 'invalid-credential']);
    expect(request).toEqual(
      MarkUnhealthyRequest.fromPartial({
        target: { $case: 'leaseId', value: 'l-1' },
        reason: UnhealthyReason.UNHEALTHY_REASON_INVALID_CREDENTIAL,
      }),
    );
  });

  test('says why a mark was not applied', async () => {
    const { code, out } = await mark(['team-a', '--reason', 'billing'], { key: makeKey(), applied: false, note: 'the secret was rotated' });
    expect([code, out]).toEqual([0, 'team-a is available\nnot applied: the secret was rotated\n']);
  });

  test.each([
    { rule: 'neither key nor lease', args: ['--reason', 'billing'], message: 'name a key, or a lease on it with --lease' },
    {
      rule: 'both key and lease',
      args: ['a', '--lease', 'l', '--reason', 'billing'],
      message: 'name a key, or a lease on it with --lease',
    },
    { rule: 'a pool for a lease', args: ['--lease', 'l', '--pool', 'p', '--reason', 'billing'], message: '--pool goes with a key' },
    { rule: 'no reason', args: ['a'], message: "required option '--reason <reason>' not specified" },
    { rule: 'an unknown reason', args: ['a', '--reason', 'mood'], message: 'Allowed reasons: invalid-credential, permission-denied' },
  ])('is used wrongly with $rule, and sends nothing', async ({ args, message }) => {
    const { code, err, request } = await mark(args);
    expect([code, request]).toEqual([2, undefined]);
    expect(err).toContain(message);
  });
});
