import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ConfigContent, keyOf, onePool } from '../support/app.ts';
import {
  type AuthApp,
  bearer,
  GUARDED,
  makePapers,
  metadataOf,
  type Papers,
  type Shown,
  startWithPapers,
  tlsClient,
  writeConfig,
} from '../support/auth-app.ts';
import { makeAuthority, uri } from '../support/pki.ts';
import { callAny } from './any-call.ts';
import { RPCS } from './rpc-rows.ts';

const ROTATIONS = 10;
const ABOUT = { pool: 'default', keyId: 'a', leaseId: '' };
const [ACQUIRE] = RPCS;

let papers: Papers;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  papers = await makePapers();
  cleanups.push(() => papers.remove());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const CONFIG: ConfigContent = {
  ...onePool([keyOf('a', { max_leases: 1_000_000 })]),
  ...GUARDED,
  access: [{ holders: ['**'], verbs: ['acquire', 'admin'] }],
};

async function started(config: ConfigContent = CONFIG): Promise<AuthApp> {
  const auth = await startWithPapers(papers, config);
  cleanups.push(() => auth.app.close());
  return auth;
}

function clientOf({ app }: AuthApp, shown: Shown = {}): Client {
  const client = tlsClient(papers, app.addresses[0] as string, shown.certificate);
  cleanups.push(() => client.close());
  return client;
}

async function acquire(client: Client, shown: Shown): Promise<string> {
  return (await callAny(client, ACQUIRE!.method, ACQUIRE!.request(ABOUT), metadataOf(shown))).status;
}

/** Calls on one connection that stays and on new ones, one after the other, until it is told to stop; how many there were by status. */
function load(auth: AuthApp, shown: Shown): { readonly counts: Record<string, number>; stop(): Promise<Record<string, number>> } {
  const counts: Record<string, number> = {};
  let isOver = false;
  const count = (status: string) => {
    counts[status] = (counts[status] ?? 0) + 1;
  };
  const steady = async () => {
    const client = clientOf(auth, shown);
    while (!isOver) count(await acquire(client, shown));
  };
  const fresh = async () => {
    while (!isOver) {
      const client = tlsClient(papers, auth.app.addresses[0] as string, shown.certificate);
      count(await acquire(client, shown));
      client.close();
    }
  };
  const loops = [steady(), fresh()];
  return {
    counts,
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
      return counts;
    },
  };
}

/** The serial number of the certificate that a new connection is shown. */
function shownSerial({ app }: AuthApp): Promise<string> {
  const [host, port] = (app.addresses[0] as string).split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), ca: papers.authority.pem, ALPNProtocols: ['h2'] }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

const reloads = ({ log }: AuthApp) => log.filter(({ msg }) => msg === 'configuration reloaded').length;
const refusedReloads = ({ log }: AuthApp) => log.filter(({ msg }) => String(msg).startsWith('a watched file has changed, and was not'));

test(`certificates change ${ROTATIONS} times under load, half-written in between: no call fails`, async () => {
  const auth = await started();
  const shown: Shown = { certificate: await papers.authority.issue({ names: [uri('spiffe://acme.test/ns/a/sa/b')] }) };
  const running = load(auth, shown);
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    const before = await shownSerial(auth);
    const refused = refusedReloads(auth).length;
    const { cert, key } = await papers.authority.issue();
    papers.write('server.pem', cert.slice(0, 200));
    await expect.poll(() => refusedReloads(auth).length, { timeout: 10_000 }).toBe(refused + 1);
    papers.write('server.pem', cert);
    papers.write('server.key', key);
    await expect.poll(() => shownSerial(auth), { timeout: 10_000 }).not.toBe(before);
  }
  const counts = await running.stop();
  process.stdout.write(`certificates: 0 of ${counts.OK} calls failed over ${ROTATIONS} rotations\n`);
  expect(counts).toEqual({ OK: expect.any(Number) });
  expect(JSON.stringify(refusedReloads(auth)[0])).toContain('tls.cert: the file holds no certificate in PEM, or only a part of it');
}, 60_000);

test(`the configuration is reloaded ${ROTATIONS} times under load, with mistakes in between: no call fails`, async () => {
  const auth = await started();
  const shown = bearer(papers.addToken('worker'));
  await auth.app.reload();
  const running = load(auth, shown);
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    const [before, refused] = [reloads(auth), refusedReloads(auth).length];
    papers.write('config.yaml', '{ pools: [');
    await expect.poll(() => refusedReloads(auth).length, { timeout: 10_000 }).toBe(refused + 1);
    writeConfig(papers, { ...CONFIG, drain_timeout: `${rotation + 1}s` });
    await expect.poll(() => reloads(auth), { timeout: 10_000 }).toBeGreaterThan(before);
  }
  const counts = await running.stop();
  process.stdout.write(`configuration: 0 of ${counts.OK} calls failed over ${ROTATIONS} reloads\n`);
  expect(counts).toEqual({ OK: expect.any(Number) });
}, 60_000);

test('a token that is revoked is refused from then on, and no call of another fails', async () => {
  const auth = await started();
  const shown = bearer(papers.addToken('worker'));
  await auth.app.reload();
  const running = load(auth, shown);
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    const doomed = papers.addToken('doomed');
    const client = clientOf(auth);
    await expect.poll(() => acquire(client, bearer(doomed)), { timeout: 10_000 }).toBe('OK');
    papers.removeToken(doomed);
    await expect.poll(() => acquire(client, bearer(doomed)), { timeout: 10_000 }).toBe('UNAUTHENTICATED');
  }
  const counts = await running.stop();
  process.stdout.write(`tokens: 0 of ${counts.OK} calls failed over ${ROTATIONS} revocations\n`);
  expect(counts).toEqual({ OK: expect.any(Number) });
}, 60_000);

test('a mount of Kubernetes that swaps its ..data link brings the new certificate', async () => {
  const mount = join(papers.folder, 'mount');
  const put = async (name: string) => {
    const { cert, key } = await papers.authority.issue();
    mkdirSync(join(mount, name), { recursive: true });
    writeFileSync(join(mount, name, 'tls.crt'), cert);
    writeFileSync(join(mount, name, 'tls.key'), key);
    symlinkSync(name, join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  };
  await put('..one');
  for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(mount, file));
  const auth = await started({ ...CONFIG, tls: { cert: 'mount/tls.crt', key: 'mount/tls.key', client_ca: 'ca.pem' } });
  const before = await shownSerial(auth);
  await put('..two');
  await expect.poll(() => shownSerial(auth), { timeout: 10_000 }).not.toBe(before);
});

test('a new authority of clients counts for new connections, the old one no more', async () => {
  const auth = await started();
  const other = await makeAuthority('the next authority');
  const names = [uri('spiffe://acme.test/ns/a/sa/b')];
  const [old, next] = [await papers.authority.issue({ names }), await other.issue({ names })];
  const statusOf = async (certificate: Awaited<typeof old>) => acquire(clientOf(auth, { certificate }), {});
  expect([await statusOf(old), await statusOf(next)]).toEqual(['OK', 'UNAUTHENTICATED']);
  papers.write('ca.pem', other.pem);
  await expect.poll(() => statusOf(next), { timeout: 10_000 }).toBe('OK');
  expect(await statusOf(old)).toBe('UNAUTHENTICATED');
});

test.each([
  ['TLSv1.1', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
] as const)('%s is spoken: %s', async (version, expected) => {
  const { app } = await started();
  const [host, port] = (app.addresses[0] as string).split(':');
  const spoken = await new Promise<boolean>((resolve) => {
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const socket = connect(
      { host, port: Number(port), ca: papers.authority.pem, minVersion: 'TLSv1', maxVersion: version, ciphers },
      () => {
        resolve(true);
        socket.destroy();
      },
    );
    socket.once('error', () => resolve(false));
  });
  expect(spoken).toBe(expected);
});

test('require_client_cert: without one there is no connection', async () => {
  const auth = await started({ ...CONFIG, tls: { ...(GUARDED.tls as object), require_client_cert: true } });
  const shown = bearer(papers.addToken('worker'));
  await auth.app.reload();
  expect(await acquire(clientOf(auth), shown)).toBe('UNAVAILABLE');
  const certificate = await papers.authority.issue({ names: [uri('spiffe://acme.test/ns/a/sa/b')] });
  expect(await acquire(clientOf(auth, { certificate }), {})).toBe('OK');
});
