import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { StoreLost } from '../../../src/store/store.ts';
import { RedisServer, tellsDisk, until } from '../../support/redis.ts';
import { startChild } from '../child.ts';
import { newestGrants, WORKERS, wholeLeases } from '../load.ts';
import { makeLease, makePool } from '../records.ts';
import { openReplica, settingsOf } from './open.ts';

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 4);
const pool = makePool();

describe.skipIf(!tellsDisk())('durability fsync, where the server is Redis 7.2, Valkey, or newer (KEYLEASE_REDIS_SERVER names one)', () => {
  const start = async (...args: string[]) => {
    const server = await RedisServer.start('--appendonly', 'yes', ...args);
    onTestFinished(() => server.stop());
    return server;
  };

  test.each(['always', 'everysec'])(
    'with appendfsync %s answers leave, and a replica that comes later sees what they were about',
    async (how) => {
      const server = await start('--appendfsync', how);
      const settings = settingsOf(server.at, { durability: 'fsync' });
      const store = await openReplica(settings);
      for (const id of ['l1', 'l2', 'l3']) expect(await store.apply({ pool: 'p', leases: [makeLease({ id })] })).toBe('applied');
      expect([...(await openReplica(settings)).read(pool).leases()].map(({ id }) => id).sort()).toEqual(['l1', 'l2', 'l3']);
    },
  );

  test('nothing is answered that is not on disk; what was not answered stays reserved', async () => {
    const server = await start('--appendfsync', 'always');
    const store = await openReplica(settingsOf(server.at, { durability: 'fsync' }));
    const health: string[] = [];
    store.onHealth((cause) => health.push(cause === null ? 'back' : cause.message));
    await store.apply({ pool: 'p', leases: [makeLease()] });
    await server.ask('CONFIG', 'SET', 'appendfsync', 'no');
    await expect(store.apply({ pool: 'p', leases: [makeLease({ id: 'l2' })] })).rejects.toThrow(StoreLost);
    await until(() => health.length > 0);
    expect(health[0]).toBe('the write is not on disk in time');
    expect(() => store.read(pool)).toThrow(StoreLost);
    await server.ask('CONFIG', 'SET', 'appendfsync', 'always');
    await until(() => health.at(-1) === 'back');
    expect([...store.read(pool).leases()].map(({ id }) => id).sort()).toEqual(['l1', 'l2']);
  });

  test(
    'the server and every replica killed at one moment: nothing that was answered is lost, and grants go on at once',
    async () => {
      const server = await start('--appendfsync', 'always');
      const prefix = randomUUID();
      let acknowledged = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const replicas = ['0', '1'].map((half) => startChild('share', `${server.port}`, prefix, half));
        await Promise.all(replicas.map((replica) => replica.printed(20 + Math.floor(Math.random() * 200))));
        await Promise.all([server.kill(), ...replicas.map((replica) => replica.kill())]);
        await server.start();

        const store = await openReplica(settingsOf(server.at, { durability: 'fsync', prefix }));
        const grants = newestGrants(store);
        const acks = replicas.flatMap(({ lines: [, ...lines] }) => lines);
        acknowledged += acks.length;
        expect(acks.filter((ack) => Number(ack.split(' ')[1]) > grants.get(ack.split(' ')[0]!)!)).toEqual([]);
        for (const worker of WORKERS) {
          const leases = Array.from(store.read(pool).leasesOfKey(worker), ({ id }) => id).sort();
          expect(leases).toEqual(wholeLeases(grants.get(worker)!, worker));
        }
        expect(store.learningPools?.()).toEqual([]);
        await store.close();
      }
      process.stdout.write(`kills of server and replicas ${ROUNDS}, acknowledged ${acknowledged}, lost 0\n`);
      expect(acknowledged).toBeGreaterThan(ROUNDS * 40);
    },
    20_000 + ROUNDS * 10_000,
  );
});
