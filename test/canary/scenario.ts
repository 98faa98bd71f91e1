import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { healthClient } from '../grpc/health.ts';
import { acquire, leaseIdOf, openStream, release } from '../grpc/lease-stream-client.ts';
import { field, rawCaller } from '../grpc/raw.ts';
import { reflectionClient } from '../grpc/reflection.ts';
import type { Connection } from '../support/app.ts';
import { redisServer } from '../support/redis.ts';
import { callers, commands } from './callers.ts';
import { command } from './command.ts';
import { mistakenFiles, reloadOfMistakes, wrongConfigurations } from './mistakes.ts';
import { scanRedis, startRedis } from './redis.ts';
import type { Scanner } from './scanner.ts';
import { scanFiles, scanPages, scanTold, type World } from './world.ts';

/** Headers that a provider would never send and a broken client might: each tells the secret. */
const badHeaders = (secret: string) => ({
  ...Object.fromEntries(
    ['limit', 'remaining', 'reset'].flatMap((what) => [
      [`anthropic-ratelimit-requests-${what}`, secret],
      [`x-ratelimit-${what}-requests`, secret],
    ]),
  ),
  ...{ 'retry-after': secret, 'anthropic-organization-id': secret, 'openai-organization': secret, date: secret, 'x-api-key': secret },
});

const errorBody = (secret: string) => JSON.stringify({ error: { type: 'authentication_error', message: `invalid x-api-key: ${secret}` } });

/** Whatever the answer: what matters here is what the server says. */
const whatever = (call: Promise<unknown>) => call.catch(() => {});

/** What must have happened, or nothing was shown. */
export interface Played {
  /** The status that each good caller got: by certificate, by token, by JWT. */
  readonly goodCallers: readonly string[];
  /** What the command printed to an operator with a certificate, and to one with a token. */
  readonly goodCommands: readonly string[];
}

/** Plays everything that can happen, and shows the scanner every byte that left the server but for granted credentials. */
export async function play(world: World, scanner: Scanner): Promise<Played> {
  await wrongConfigurations(world, scanner);
  const first = await world.start();
  const connection = world.connect();
  await everyKey(world, connection, 'at first');
  await refusals(world, connection);
  await stream(world);
  await standards(world);
  const goodCallers = await callers(world, scanner);
  const goodCommands = await commands(world, scanner);
  await scanPages(world, first, scanner);
  await operate(world, connection, scanner);
  world.rotate();
  await connection.admin.reloadConfig({});
  await everyKey(world, connection, 'rotated');
  await reloadOfMistakes(world, connection);
  await mistakenFiles(world, connection, scanner);
  first.process.kill('SIGHUP');
  first.process.kill('SIGUSR1');
  await first.logged('SIGUSR1 does nothing here: the inspector stays closed');
  scanFiles(world, scanner);
  first.process.kill('SIGKILL');
  await first.ended;
  scanFiles(world, scanner);
  const second = await world.start();
  await everyKey(world, world.connect(), 'after the kill');
  await scanPages(world, second, scanner);
  second.process.kill('SIGTERM');
  await second.ended;
  if (redisServer !== null) await shared(world, scanner);
  scanFiles(world, scanner);
  scanTold(world, scanner);
  return { goodCallers, goodCommands };
}

/** The same server with a store that replicas share, which asks for a password: before that is set there, and afterwards. */
async function shared(world: World, scanner: Scanner): Promise<void> {
  const file = readFileSync(world.config, 'utf8');
  const redis = await startRedis();
  const password = world.canaries['password of Redis'] as string;
  const put = (more: object) =>
    writeFileSync(
      world.config,
      JSON.stringify({ ...JSON.parse(file), store: { kind: 'redis', url: `redis://127.0.0.1:${redis.port}`, ...more } }),
    );
  const doctor = async () => scanner.scan('command: doctor', await command(world, ['doctor', '--config', world.config]));
  put({ password });
  await doctor();
  await redis.ask('CONFIG', 'SET', 'requirepass', password);
  put({ password: `${password}x` });
  await doctor();
  put({ username: 'nobody', password });
  await doctor();
  put({ password });
  await doctor();
  const served = await world.start();
  await everyKey(world, world.connect(), 'shared');
  await scanPages(world, served, scanner);
  await scanRedis(redis, password, scanner);
  served.process.kill('SIGTERM');
  await served.ended;
  await scanRedis(redis, password, scanner);
  writeFileSync(world.config, file);
}

/** Leases each key, and reports on it what echoes its secret. */
async function everyKey({ keys, leaseIds }: World, { leases, admin }: Connection, round: string): Promise<void> {
  for (const [at, keyId] of [...keys, 'plain'].entries()) {
    const pool = keyId === 'plain' ? 'openai' : 'default';
    await admin.markHealthy({ pool, keyId });
    const excludeKeyIds = keys.filter((id) => id !== keyId);
    const grant = () => leases.acquireKey({ pool, excludeKeyIds, model: 'm', affinity: 'a', requestId: `${round} ${at}`, requests: 2 });
    const { lease, credential } = await grant();
    if (credential === undefined) throw new Error('no credential');
    const { secret } = credential;
    const leaseId = lease!.leaseId;
    leaseIds.push(leaseId);
    await grant();
    await leases.renewLease({ leaseId });
    const headers = badHeaders(secret);
    await leases.reportHeaders({ leaseId, statusCode: 200, headers, errorBody: secret, inProgress: true });
    await leases.reportHeaders({ leaseId, statusCode: 429, headers, errorBody: errorBody(secret) });
    await leases.markUnhealthy({
      target: { $case: 'leaseId', value: leaseId },
      reason: UnhealthyReason.UNHEALTHY_REASON_OPERATOR,
      message: `the provider said: invalid x-api-key: ${secret}`,
    });
    await admin.getKey({ pool, keyId });
    await admin.markHealthy({ pool, keyId });
    await leases.reportHeaders({ leaseId, statusCode: 401, headers, errorBody: errorBody(secret) });
    await leases.releaseLease({ leaseId });
    await admin.markHealthy({ pool, keyId });
  }
}

async function refusals({ proxy, keys }: World, { leases }: Connection): Promise<void> {
  await whatever(leases.acquireKey({ excludeKeyIds: [...keys] }));
  await whatever(leases.acquireKey({ pool: 'none' }));
  await whatever(leases.acquireKey({ estimatedInputTokens: 9_000_000 }));
  await whatever(leases.acquireKey({ requests: 4_000_000_000 }));
  await whatever(leases.reportHeaders({ leaseId: 'kl_none', statusCode: 9_999 }));
  await whatever(leases.acquireKey({ requestId: 'at first 0', requests: 3 }));
  const call = rawCaller(proxy.address);
  await call('/keylease.v1.KeyLeaseService/AcquireKey', Buffer.from([0xff]));
  await call('/keylease.v1.KeyLeaseService/AcquireKey', field.varint(3, 2n ** 60n));
  await call('/keylease.v1.KeyLeaseService/ReportHeaders', Buffer.alloc(100_000));
  await call('/keylease.v1.KeyLeaseService/None', Buffer.alloc(0));
}

async function stream({ proxy }: World): Promise<void> {
  const opened = openStream(proxy.address);
  opened.send(acquire({ pool: 'openai' }), acquire({ pool: 'none' }), undefined);
  await opened.received(3);
  const granted = opened.reply(1);
  const leaseId = leaseIdOf(granted);
  const secret = granted?.$case === 'acquireKey' ? (granted.value.credential?.secret ?? '') : '';
  const times = { requestTime: undefined, responseTime: undefined, usage: undefined };
  opened.send(
    {
      $case: 'reportHeaders',
      value: { leaseId, statusCode: 500, headers: badHeaders(secret), errorBody: errorBody(secret), inProgress: true, ...times },
    },
    { $case: 'renewLease', value: { leaseId, ttl: undefined } },
    {
      $case: 'markUnhealthy',
      value: {
        target: { $case: 'leaseId', value: leaseId },
        pool: '',
        reason: UnhealthyReason.UNHEALTHY_REASON_SERVER_ERROR,
        message: secret,
        cooldown: { seconds: 1, nanos: 0 },
      },
    },
    release(leaseId),
    release(leaseId),
  );
  await opened.received(8);
  opened.raw.end();
  await opened.ended();
}

async function standards({ proxy }: World): Promise<void> {
  for (const version of ['v1', 'v1alpha'] as const) {
    const reflection = reflectionClient(proxy.address, version);
    for (const service of (await reflection.services()) ?? []) await reflection.fileOf(service);
    await reflection.errorOf('none.None');
  }
  await healthClient(proxy.address).check('');
}

/** Every verb of the command, as text and as JSON, but for those that are asked to show a secret. */
async function operate(world: World, { leases, admin }: Connection, scanner: Scanner): Promise<void> {
  await admin.markHealthy({ pool: 'openai', keyId: 'plain' });
  const { lease } = await leases.acquireKey({ pool: 'openai' });
  const key = world.keys[1] as string;
  const inPool = ['--pool', 'default'];
  const body = join(world.folder, 'sources/body');
  writeFileSync(body, errorBody(world.canaries['text in the configuration']!));
  const onLease = lease!.leaseId;
  const verbs = [
    ...[['pools'], ['keys', ...inPool], ['key', key, ...inPool], ['leases', ...inPool], ['explain', ...inPool], ['lease', ...inPool]],
    ['report', onLease, '--status', '401', '--error-body', body, '--header', `retry-after: ${world.canaries['text in the configuration']}`, '--in-progress'],
    ...[['renew', onLease], ['release', onLease], ['mark-unhealthy', key, ...inPool, '--reason', 'billing', '--cooldown', '1s']],
    ...[['mark-healthy', key, ...inPool], ['drain', key, ...inPool], ['enable', key, ...inPool], ['revoke', onLease], ['reload']],
    ...[['doctor', '--config', world.config], ['config', 'check', world.config], ['config', 'schema'], ['audit', 'verify', join(world.folder, 'audit.log')]],
    ...[['lease', '--pool', 'none'], ['key', 'none', ...inPool], ['no-such-verb'], ['lease', '--help']],
  ]; // biome-ignore format: a group a line
  for (const verb of verbs) {
    for (const json of [[], ['--json']]) scanner.scan(`command: ${verb[0]}`, await command(world, [...json, ...verb]));
  }
  const watching = admin.watchKeys({ pool: 'default' })[Symbol.asyncIterator]();
  await watching.next();
  await watching.return?.();
}
