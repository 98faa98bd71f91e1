import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { healthClient } from '../grpc/health.ts';
import { refusalOf } from '../grpc/refusal.ts';
import { connectTo, keyOf, onePool } from '../support/app.ts';
import { addressesOf, newFolder, serve, writeConfig } from './process.ts';

const LONG = 20_000;

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s drains: calls under way are answered, streams end, and the exit code is 0',
  async (signal) => {
    const folder = newFolder();
    const socket = join(folder, 'keylease.sock');
    const served = serve(
      writeConfig(folder, { ...onePool([keyOf('a', { max_leases: 1_000_000 })]), listen: ['127.0.0.1:0', `unix:${socket}`] }),
    );
    const [address] = await addressesOf(served);
    const { leases, admin } = connectTo(address!);
    const health = healthClient(address!).watch('');
    const heard = Promise.withResolvers<void>();
    const watching = refusalOf(
      (async () => {
        for await (const _ of admin.watchKeys({})) heard.resolve();
      })(),
    );
    await heard.promise;
    await expect.poll(() => health.told).toEqual(['SERVING']);

    const statuses = new Set<string>();
    const calling = Array.from({ length: 8 }, async () => {
      for (;;) {
        const failure = await leases.acquireKey({ ttl: { seconds: 1, nanos: 0 } }).then(
          () => null,
          (error: unknown) => error,
        );
        if (failure === null) continue;
        statuses.add((await refusalOf(Promise.reject(failure))).status);
        return;
      }
    });
    const start = performance.now();
    served.process.kill(signal);
    expect(await served.ended).toBe(0);
    expect(performance.now() - start).toBeLessThan(8_000);
    await Promise.all(calling);
    expect([...statuses]).toEqual(['UNAVAILABLE']);
    expect((await watching).status).toBe('UNAVAILABLE');
    expect(health.told).toEqual(['SERVING', 'NOT_SERVING']);
    expect(served.log().map(({ msg }) => msg)).toEqual(expect.arrayContaining(['draining', 'stopped']));
    expect(served.err()).toBe('');
    expect(existsSync(socket)).toBe(false);
  },
  LONG,
);

test(
  'a client that holds its connection open does not keep the process alive',
  async () => {
    const served = serve(writeConfig(newFolder(), { ...onePool([keyOf('a')]), drain_timeout: '300ms' }));
    const [host, port] = (await addressesOf(served))[0]!.split(':');
    const session = connect(`http://${host}:${port}`);
    onTestFinished(() => session.destroy());
    session.on('error', () => {});
    const call = session.request({
      ':method': 'POST',
      ':path': '/keylease.v1.KeyLeaseService/AcquireKey',
      'content-type': 'application/grpc',
    });
    call.on('error', () => {});
    call.write(Buffer.alloc(3));
    await new Promise<void>((resolve) => session.ping(Buffer.alloc(8), () => resolve()));
    const start = performance.now();
    served.process.kill('SIGTERM');
    expect(await served.ended).toBe(0);
    expect(performance.now() - start).toBeLessThan(5_000);
  },
  LONG,
);

test(
  'SIGHUP reads the configuration again; one with mistakes changes nothing',
  async () => {
    const folder = newFolder();
    const served = serve(writeConfig(folder, onePool([keyOf('a')])));
    const { admin } = connectTo((await addressesOf(served))[0]!);
    const ids = async () => (await admin.listKeys({})).keys.map(({ keyId }) => keyId);

    writeConfig(folder, onePool([keyOf('a'), keyOf('b')]));
    served.process.kill('SIGHUP');
    expect(await served.logged('configuration reloaded')).toMatchObject({ generation: 2, addedKeys: ['default/b'] });
    expect(await ids()).toEqual(['a', 'b']);

    writeConfig(folder, onePool([keyOf('c', { weight: 'heavy' })]));
    served.process.kill('SIGHUP');
    const refused = await served.logged('the configuration was not reloaded: nothing changed');
    expect(JSON.stringify(refused)).toContain('pools[0].keys[0].weight');
    expect(await ids()).toEqual(['a', 'b']);
    served.process.kill('SIGTERM');
    expect(await served.ended).toBe(0);
  },
  LONG,
);

test(
  'a second process on the same folder is told who has it, in one line, and does no harm to the first',
  async () => {
    const folder = newFolder();
    const config = writeConfig(folder, onePool([keyOf('a')]));
    const first = serve(config);
    const [address] = await addressesOf(first);
    const second = serve(config);
    expect(await second.ended).toBe(1);
    expect(second.err()).toBe(
      `cannot use ${join(folder, 'data')} as a store: another keylease process (pid ${first.process.pid}) uses it; end that process first, or give this one a folder of its own\n`,
    );
    expect((await connectTo(address!).leases.acquireKey({})).lease?.keyId).toBe('a');
  },
  LONG,
);

test(
  'an address that is taken is told in one line',
  async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const served = serve(writeConfig(newFolder(), { ...onePool([keyOf('a')]), listen: `127.0.0.1:${port}` }));
    expect(await served.ended).toBe(1);
    expect(served.err()).toContain(`cannot listen on 127.0.0.1:${port}: `);
    expect(served.err()).not.toContain('    at ');
  },
  LONG,
);

test(
  'a wrong configuration: every mistake with its place, exit code 2, no secret',
  async () => {
    const folder = newFolder();
    const path = writeConfig(folder, {
      ...onePool([keyOf('a', { weight: 0 }), keyOf('b', { priority: 'x' })], { strategy: 'luck' }),
      lisen: 1,
    });
    const served = serve(path);
    expect(await served.ended).toBe(2);
    const lines = served.err().trim().split('\n');
    for (const place of ['lisen', 'pools[0].strategy', 'pools[0].keys[0].weight', 'pools[0].keys[1].priority']) {
      expect(lines.filter((line) => line.startsWith(`${path}:1:`) && line.includes(place))).toHaveLength(1);
    }
    expect(served.err()).not.toContain('secret-of');
    expect(served.out()).toBe('');
  },
  LONG,
);

test(
  'no configuration: exit code 2, and what to do',
  async () => {
    const served = serve(join(newFolder(), 'nothing.yaml'));
    expect(await served.ended).toBe(2);
    expect(served.err()).toMatch(/^there is no configuration .*nothing\.yaml: name one with --config FILE\n$/);
  },
  LONG,
);
