import { describe, expect, test } from 'vitest';
import { AcquireKeyRequest, AcquireKeyResponse } from '../../../src/generated/keylease/v1/key_lease_service.ts';
import { startFakeServer } from '../fake-server.ts';
import { makeLease } from '../make.ts';
import { runCli } from '../run-cli.ts';

const SECRET = "sk-it's-secret";
const granted = AcquireKeyResponse.fromPartial({
  lease: makeLease(),
  credential: {
    secret: SECRET,
    headerName: 'authorization',
    headerValue: `Bearer ${SECRET}`,
    headers: { 'x-version': '1' },
    baseUrl: 'https://api.example.com',
  },
  capacityScore: 0.966,
  waited: { seconds: 1, nanos: 500_000_000 },
});

async function lease(...args: readonly string[]) {
  const requests: AcquireKeyRequest[] = [];
  const server = await startFakeServer({
    async acquireKey(request) {
      requests.push(request);
      return granted;
    },
  });
  return { ...(await runCli(['--server', server, 'lease', ...args])), request: requests[0] };
}

describe('keylease lease', () => {
  test('prints the lease, the key and the names of the credential headers', async () => {
    const { code, out } = await lease();
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "lease        l-1
      key          team-a
      pool         default
      model class  sonnet
      ends         in 1m
      score        0.97
      waited       2s
      base url     https://api.example.com
      header       authorization
      header       x-version: 1
      secret       not shown (--show-secret, --export)
      "
    `);
  });

  test('prints the secret and its header with --show-secret', async () => {
    const { out } = await lease('--show-secret');
    expect(out).toContain(`header       authorization: Bearer ${SECRET}\n`);
    expect(out).toContain(`secret       ${SECRET}\n`);
  });

  test('prints exports that a shell can evaluate with --export', async () => {
    const { out } = await lease('--export');
    expect(out).toMatchInlineSnapshot(`
      "export KEYLEASE_LEASE_ID='l-1'
      export KEYLEASE_KEY='team-a'
      export KEYLEASE_SECRET='sk-it'\\''s-secret'
      export KEYLEASE_HEADER_NAME='authorization'
      export KEYLEASE_HEADER_VALUE='Bearer sk-it'\\''s-secret'
      export KEYLEASE_BASE_URL='https://api.example.com'
      "
    `);
  });

  test.each([[['--json']], [[]], [['--json', '--model', 'm']]])('never prints the secret with %j', async (args) => {
    const { out, err } = await lease(...args);
    expect(out + err).not.toContain(SECRET);
  });

  test('prints the response as JSON with --json, and the secret only with --show-secret', async () => {
    const hidden = await lease('--json');
    const shown = await lease('--json', '--show-secret');
    expect(JSON.parse(hidden.out)).toMatchObject({ lease: { leaseId: 'l-1', expireTime: '2026-01-01T00:01:00.000Z' } });
    expect(JSON.parse(hidden.out).credential).toEqual({
      headerName: 'authorization',
      headers: { 'x-version': '1' },
      baseUrl: 'https://api.example.com',
    });
    expect(JSON.parse(shown.out).credential.secret).toBe(SECRET);
  });

  test('does not mix exports with JSON', async () => {
    const { code, err, request } = await lease('--export', '--json');
    expect([code, request]).toEqual([2, undefined]);
    expect(err).toContain('choose --export or --json');
  });

  test('sends every option', async () => {
    const args =
      '--pool p --model m --input-tokens 1200 --output-tokens 300 --requests 4 --ttl 1h30m --max-wait 30s --affinity a --priority -2';
    const { request } = await lease(...args.split(' '), '--exclude', 'b', '--exclude', 'c', '--request-id', 'r-1');
    expect(request).toEqual(
      AcquireKeyRequest.fromPartial({
        pool: 'p',
        model: 'm',
        estimatedInputTokens: 1_200,
        estimatedOutputTokens: 300,
        requests: 4,
        ttl: { seconds: 5_400 },
        maxWait: { seconds: 30 },
        affinity: 'a',
        priority: -2,
        excludeKeyIds: ['b', 'c'],
        requestId: 'r-1',
      }),
    );
  });

  test('leaves unset what was not given', async () => {
    const { request } = await lease();
    expect(request).toEqual(AcquireKeyRequest.fromPartial({}));
  });

  test('says so where a repeated request id names a lease that has ended', async () => {
    const server = await startFakeServer({ acquireKey: async () => ({ lease: makeLease() }) });
    const { out } = await runCli(['--server', server, 'lease', '--request-id', 'r']);
    expect(out).toContain('credential   none: the lease of this request id has ended');
  });
});
