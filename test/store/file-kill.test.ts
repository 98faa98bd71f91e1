import { expect, test } from 'vitest';
import { openFileStore } from '../../src/store/file.ts';
import { startChild } from './child.ts';
import { temporaryFolders } from './folder.ts';
import { newestGrants, WORKERS, wholeLeases } from './load.ts';
import { makePool } from './records.ts';

const ROUNDS = 10;
const folder = temporaryFolders()();

test('killed at any moment, the store loses nothing acknowledged, and every change is there in whole or not at all', async () => {
  const restartsMs: number[] = [];
  let acknowledged = 0;
  let lost = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = startChild('load', folder);
    await child.printed(2 + Math.floor(Math.random() * 4_000));
    await child.kill();
    const [opened, ...acks] = child.lines;
    expect(opened).toBe('opened');
    acknowledged += acks.length;

    const start = performance.now();
    const store = openFileStore({ folder });
    restartsMs.push(Math.round(performance.now() - start));
    const grants = newestGrants(store);
    lost += acks.filter((ack) => Number(ack.split(' ')[1]) > grants.get(ack.split(' ')[0]!)!).length;
    for (const worker of WORKERS) {
      const leases = Array.from(store.read(makePool()).leasesOfKey(worker), (lease) => lease.id).sort();
      expect(leases).toEqual(wholeLeases(grants.get(worker)!, worker));
    }
    await store.close();
  }
  process.stdout.write(`kills ${ROUNDS}, acknowledged ${acknowledged}, lost ${lost}, restart ms ${restartsMs.join(' ')}\n`);
  expect(acknowledged).toBeGreaterThan(ROUNDS);
  expect(lost).toBe(0);
}, 60_000);
