import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { keyOf, onePool } from '../support/app.ts';
import { addressesOf, newFolder, serve, writeConfig } from './process.ts';

const HOW_TO_GET_IT = 'grpcurl is missing: run scripts/grpcurl.sh, which builds it with Go';

const grpcurl = findGrpcurl();
if (grpcurl === undefined) process.stderr.write(`${HOW_TO_GET_IT}\n`);

/** In the cache of this repository, or wherever else it is installed. */
function findGrpcurl(): string | undefined {
  const cache = new URL('../../node_modules/.cache/keylease/bin', import.meta.url).pathname;
  const folders = [cache, join(process.env.HOME ?? '', 'go/bin'), ...(process.env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, 'grpcurl')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const TRANSPORTS = [
  { transport: 'TCP', flags: [], isServedAt: (address: string) => !address.startsWith('unix:') },
  { transport: 'a unix socket', flags: ['-unix', '-authority', 'localhost'], isServedAt: (address: string) => address.startsWith('unix:') },
];

async function started({ flags, isServedAt }: (typeof TRANSPORTS)[number]) {
  const folder = newFolder();
  const config = { ...onePool([keyOf('a'), keyOf('b')]), listen: ['127.0.0.1:0', `unix:${join(folder, 'keylease.sock')}`] };
  const addresses = await addressesOf(serve(writeConfig(folder, config)));
  const address = addresses.find(isServedAt)!.replace(/^unix:/, '');
  const run = (before: readonly string[], after: readonly string[]) =>
    promisify(execFile)(grpcurl as string, ['-plaintext', ...flags, ...before, address, ...after]).then(({ stdout }) => stdout);
  return {
    run: (...args: string[]) => run([], args),
    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it says what it is.
    call: async (method: string, request: object): Promise<any> =>
      JSON.parse(await run(['-d', JSON.stringify(request)], [`keylease.v1.${method}`])),
    refused: (method: string, request: object) =>
      run(['-d', JSON.stringify(request)], [`keylease.v1.${method}`]).then(
        () => 'it was answered',
        ({ stderr }: { stderr: string }) => stderr,
      ),
  };
}

test('grpcurl is there where everything has to be tested', () => {
  expect(grpcurl === undefined && process.env.CI === 'true' ? HOW_TO_GET_IT : 'fine').toBe('fine');
});

describe.skipIf(grpcurl === undefined)(grpcurl === undefined ? `skipped: ${HOW_TO_GET_IT}` : 'grpcurl without any proto file', () => {
  test.each(TRANSPORTS)(
    'over $transport: lists, describes with every comment, leases, reports, looks and heals',
    async (transport) => {
      const { run, call, refused } = await started(transport);

      expect((await run('list')).trim().split('\n')).toEqual(
        expect.arrayContaining(['grpc.health.v1.Health', 'keylease.v1.KeyLeaseService', 'keylease.v1.PoolAdminService']),
      );
      expect(JSON.parse(await run('grpc.health.v1.Health/Check'))).toEqual({ status: 'SERVING' });
      const service = await run('describe', 'keylease.v1.KeyLeaseService');
      expect(service).toContain('// Leases the key with the most room for this demand.');
      expect(service).toContain('rpc AcquireKey ( .keylease.v1.AcquireKeyRequest ) returns ( .keylease.v1.AcquireKeyResponse );');
      const request = await run('describe', 'keylease.v1.AcquireKeyRequest');
      expect(request).toContain('// The pool to lease from. Empty: the only pool, or the one called "default".');

      const acquired = await call('KeyLeaseService/AcquireKey', { model: 'claude-sonnet-4-5', estimated_input_tokens: 100, ttl: '30s' });
      expect(acquired).toMatchObject({
        lease: {
          pool: 'default',
          modelClass: 'claude-sonnet-4',
          state: 'LEASE_STATE_ACTIVE',
          acquireTime: expect.stringMatching(/^20.*Z$/),
        },
        credential: { secret: expect.stringMatching(/^secret-of-[ab]$/), headerName: 'x-api-key' },
        capacityScore: 1,
      });
      const { leaseId, keyId } = acquired.lease;
      const reported = await call('KeyLeaseService/ReportHeaders', {
        lease_id: leaseId,
        status_code: 429,
        headers: { 'anthropic-ratelimit-requests-limit': '50', 'anthropic-ratelimit-requests-remaining': '0', 'retry-after': '60' },
      });
      expect(reported).toMatchObject({
        lease: { state: 'LEASE_STATE_SETTLED', requestsReported: 1 },
        verdict: 'VERDICT_RATE_LIMITED',
        scope: 'VERDICT_SCOPE_LIMIT_GROUP',
        until: expect.any(String),
        retry: { action: 'RETRY_ACTION_OTHER_KEY' },
      });

      const { keys } = await call('PoolAdminService/ListKeys', {});
      expect(keys.map((key: { keyId: string; state: string }) => [key.keyId, key.state])).toEqual(
        ['a', 'b'].map((id) => [id, id === keyId ? 'KEY_STATE_COOLDOWN' : 'KEY_STATE_AVAILABLE']),
      );
      const explained = await call('PoolAdminService/ExplainAcquire', { acquire_key: { model: 'claude-sonnet-4-5' } });
      expect(explained.chosenKeyId).toBe(keyId === 'a' ? 'b' : 'a');
      expect(explained.keys.find((key: { keyId: string }) => key.keyId === keyId).passedOver).toBe('PASSED_OVER_COOLDOWN');
      expect(await call('PoolAdminService/MarkHealthy', { key_id: keyId })).toMatchObject({ key: { keyId, state: 'KEY_STATE_AVAILABLE' } });

      const refusal = await refused('KeyLeaseService/AcquireKey', { pool: 'nowhere' });
      expect(refusal).toContain('Code: NotFound');
      expect(refusal).toContain('"@type": "type.googleapis.com/google.rpc.ErrorInfo"');
      expect(refusal).toContain('"resourceName": "nowhere"');
    },
    30_000,
  );
});
