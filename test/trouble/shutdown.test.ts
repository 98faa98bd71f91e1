import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { addressesOf, newFolder, serve, writeConfig } from '../e2e/process.ts';
import { connectTo, keyOf, onePool } from '../support/app.ts';
import { leasesUnderWay, lostSettlements, streamClient, Told, unaryClient } from './clients.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 4);
const CLIENTS = 6;
const DRAIN_TIMEOUT_S = 10;

/** Beyond the drain: what a slow machine takes to end a process. */
const SLACK_S = 20;

/**
 * A call fails where its answer is anything but OK or UNAVAILABLE, and where UNAVAILABLE is told of something that was done: then the
 * server that starts next knows a lease or a settlement of which no client was told.
 */
test(
  'SIGTERM under load, again and again: whatever was done was told, whatever was told was done, and nothing fails in another way',
  async () => {
    const folder = newFolder();
    const socket = join(folder, 'keylease.sock');
    const keys = [keyOf('a', { max_leases: 1_000_000 }), keyOf('b', { max_leases: 1_000_000 })];
    const config = writeConfig(folder, {
      ...onePool(keys, { lease: { ttl: '6h', max_ttl: '6h' } }),
      listen: ['127.0.0.1:0', `unix:${socket}`],
      drain_timeout: `${DRAIN_TIMEOUT_S}s`,
    });
    const told = new Told();
    const exitMs: number[] = [];
    let streamEnds: (string | null)[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const served = serve(config);
      const [tcp, unix] = (await addressesOf(served)) as [string, string];
      expect(difference(await leasesUnderWay(connectTo(tcp)), told.underWay())).toEqual({ untold: [], lost: [] });
      let isOver = false;
      const unary = Array.from({ length: CLIENTS }, (_, n) => unaryClient(n % 2 === 0 ? tcp : unix, told, () => isOver));
      const streams = Array.from({ length: CLIENTS }, (_, n) => streamClient(n % 2 === 0 ? tcp : unix, told, () => isOver));
      await sleep(100 + 50 * (round % 5));
      const start = performance.now();
      served.process.kill('SIGTERM');
      expect(await served.ended).toBe(0);
      exitMs.push(performance.now() - start);
      isOver = true;
      await Promise.all(unary);
      streamEnds = streamEnds.concat(await Promise.all(streams));
      expect(served.err()).toBe('');
      expect(existsSync(socket)).toBe(false);
    }
    const served = serve(config);
    const server = connectTo((await addressesOf(served))[0]!);
    expect(difference(await leasesUnderWay(server), told.underWay())).toEqual({ untold: [], lost: [] });
    expect(await lostSettlements(server, told)).toEqual([]);
    expect([...told.statuses.keys()].sort()).toEqual(['OK', 'UNAVAILABLE']);
    expect(new Set(streamEnds)).toEqual(new Set(['UNAVAILABLE']));
    expect(Math.max(...exitMs)).toBeLessThan((DRAIN_TIMEOUT_S + SLACK_S) * 1_000);
    const p99 = exitMs.sort((a, b) => a - b)[Math.ceil(exitMs.length * 0.99) - 1] as number;
    process.stdout.write(`SIGTERM under load: rounds ${ROUNDS}, calls ${told.calls}, failed 0, exit p99 ${p99.toFixed(0)} ms\n`);
  },
  60_000 + ROUNDS * 10_000,
);

/** Leases that the server knows and nobody was told of, and such that were told and that it does not know. */
function difference(known: readonly string[], told: readonly string[]): { untold: string[]; lost: string[] } {
  const [knownSet, toldSet] = [new Set(known), new Set(told)];
  return { untold: known.filter((id) => !toldSet.has(id)), lost: told.filter((id) => !knownSet.has(id)) };
}
