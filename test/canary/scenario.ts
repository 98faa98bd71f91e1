import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addVerb, buildProgram } from '../../src/cli/program.ts';
import { runProgram } from '../../src/cli/run.ts';
import { auditVerb } from '../../src/cli/verbs/audit.ts';
import { configVerb } from '../../src/cli/verbs/config.ts';
import { doctorVerb } from '../../src/cli/verbs/doctor.ts';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import { captureIo } from '../cli/run-cli.ts';
import { healthClient } from '../grpc/health.ts';
import { acquire, leaseIdOf, openStream, release } from '../grpc/lease-stream-client.ts';
import { field, rawCaller } from '../grpc/raw.ts';
import { reflectionClient } from '../grpc/reflection.ts';
import type { Connection } from '../support/app.ts';
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

/** Plays everything that can happen, and shows the scanner every byte that left the server but for granted credentials. */
export async function play(world: World, scanner: Scanner): Promise<void> {
  await wrongConfigurations(world, scanner);
  const first = await world.start();
  const connection = world.connect();
  await everyKey(world, connection, 'at first');
  await refusals(world, connection);
  await stream(world);
  await standards(world);
  await scanPages(first, scanner);
  await operate(world, connection, scanner);
  world.rotate();
  await connection.admin.reloadConfig({});
  await everyKey(world, connection, 'rotated');
  await reloadOfMistakes(world, connection);
  first.process.kill('SIGHUP');
  first.process.kill('SIGUSR1');
  await first.logged('SIGUSR1 does nothing here: the inspector stays closed');
  scanFiles(world, scanner);
  first.process.kill('SIGKILL');
  await first.ended;
  scanFiles(world, scanner);
  const second = await world.start();
  await everyKey(world, world.connect(), 'after the kill');
  await scanPages(second, scanner);
  second.process.kill('SIGTERM');
  await second.ended;
  scanFiles(world, scanner);
  scanTold(world, scanner);
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

/** What a verb prints, on both ways. */
export async function command({ proxy, env }: World, args: readonly string[]): Promise<string> {
  const { io, written } = captureIo({ env: env() });
  const program = buildProgram(io, () => Promise.reject(new Error('no app here')));
  for (const verb of [configVerb(io), doctorVerb(io), auditVerb(io)]) addVerb(program, verb);
  await runProgram(program, ['--server', proxy.address, ...args], io);
  return written.out + written.err;
}

/** Ways to write a secret where it does not belong. */
const WRONG: readonly ((secret: string) => object | string)[] = [
  (secret) => ({ vault: { address: secret, token: { env: secret } }, pools: [] }),
  (secret) => ({ pools: [{ id: secret, provider: secret, strategy: secret, keys: [{ id: secret, secret: { [secret]: secret } }] }] }),
  (secret) => ({ listen: secret, [secret]: secret, log: { level: secret }, store: { kind: secret }, pools: secret }),
  (secret) => ({ pools: [{ id: 'a', provider: 'openai', base_url: `https://${secret}@x`, keys: [{ id: 'a', secret: { env: secret } }, { id: 'b', secret: { file: secret } }] }] }),
  (secret) => ({ pools: [{ id: 'a', provider: 'openai', keys: [{ id: 'a', secret }, { id: 'b', secret }, { id: 'c', secret: `${secret} ${secret}` }] }] }),
  (secret) => `pools: [${secret}\n  "${secret}`,
  (secret) => `pools:\n- *${secret}\n- !${secret} x\n- \${${secret}}\n`,
]; // biome-ignore format: a row a mistake

async function wrongConfigurations(world: World, scanner: Scanner): Promise<void> {
  const path = join(world.folder, 'sources/wrong.yaml');
  for (const write of WRONG) {
    const content = write(world.canaries.variable!);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    for (const verb of ['config check', 'doctor --config'])
      scanner.scan('command: wrong configuration', await command(world, [...verb.split(' '), path]));
  }
}

/** The file in force becomes wrong, is reloaded both ways, and comes back. */
async function reloadOfMistakes(world: World, { admin }: Connection): Promise<void> {
  const good = readFileSync(world.config, 'utf8');
  const [served] = world.processes;
  for (const write of WRONG) {
    const content = write(world.canaries.variable!);
    writeFileSync(world.config, typeof content === 'string' ? content : JSON.stringify(content));
    await whatever(admin.reloadConfig({}));
  }
  served!.process.kill('SIGHUP');
  await served!.logged('the configuration was not reloaded: nothing changed');
  writeFileSync(world.config, good);
}
