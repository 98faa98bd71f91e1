import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startTestApp } from '../support/app.ts';
import { reflectionClient } from './reflection.ts';

const VERSIONS = ['v1', 'v1alpha'] as const;
const PROTO = new URL('../../proto/keylease/v1/', import.meta.url);

test.each(VERSIONS)('reflection %s lists every service', async (version) => {
  const { address } = await startTestApp();
  expect((await reflectionClient(address, version).services())?.sort()).toEqual(
    expect.arrayContaining(['grpc.health.v1.Health', 'keylease.v1.KeyLeaseService', 'keylease.v1.PoolAdminService']),
  );
});

test.each(VERSIONS)('reflection %s gives every file of the contract with every comment in it', async (version) => {
  const reflection = reflectionClient((await startTestApp()).address, version);
  const symbols = ['KeyLeaseService', 'PoolAdminService', 'Lease', 'KeyStatus'].map((name) => `keylease.v1.${name}`);
  const files = (await Promise.all(symbols.map((symbol) => reflection.fileOf(symbol)))).flat();
  const told = files.map((file) => file?.toString('utf8')).join('\n');
  for (const file of readdirSync(PROTO)) {
    const comments = readFileSync(new URL(file, PROTO), 'utf8').match(/(?<=^ *\/\/ ).+$/gm) ?? [];
    expect(comments.length).toBeGreaterThan(0);
    expect(comments.filter((comment) => !told.includes(comment))).toEqual([]);
  }
});

test.each(['ErrorInfo', 'RetryInfo', 'BadRequest', 'QuotaFailure', 'ResourceInfo'])(
  'the detail google.rpc.%s can be resolved by whoever wants to read a refusal',
  async (name) => {
    const [file] = (await reflectionClient((await startTestApp()).address, 'v1').fileOf(`google.rpc.${name}`)) ?? [];
    expect(file?.toString('utf8')).toContain('google/rpc/error_details.proto');
  },
);

test('the field that carries a secret is marked as such', async () => {
  const files = (await reflectionClient((await startTestApp()).address, 'v1').fileOf('keylease.v1.Credential')) ?? [];
  const debugRedact = Buffer.from([0x42, 0x03, 0x80, 0x01, 0x01]);
  const marked = files.map((file) => file.subarray(file.indexOf('secret'), file.indexOf('header_name')).includes(debugRedact));
  expect(marked).toContain(true);
});

test('a symbol that does not exist is an answer, not a broken stream', async () => {
  expect(await reflectionClient((await startTestApp()).address, 'v1').errorOf('keylease.v1.Nothing')).toBe(5);
});
