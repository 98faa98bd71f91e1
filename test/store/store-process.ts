import { writeSync } from 'node:fs';
import { openFileStore } from '../../src/store/file.ts';
import { openRedisStore } from '../../src/store/redis/redis.ts';
import type { Store } from '../../src/store/store.ts';
import { ACTIVE, WORKERS } from './load.ts';
import { makeKey, makeLease, makePool } from './records.ts';

/** One line, out of this process when it returns. */
function print(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Grants one lease after the other and ends older ones, and prints each grant once it is durable. */
async function work(store: Store, worker: string): Promise<never> {
  for (;;) {
    const key = store.read(makePool()).key(worker) ?? makeKey({ id: worker });
    const grant = key.failures + 1;
    const ended = grant > ACTIVE ? [`${worker}-${grant - ACTIVE}`] : [];
    const leases = [makeLease({ id: `${worker}-${grant}`, keyId: worker })];
    const applied = await store.apply({ pool: 'p', keys: [{ ...key, failures: grant }], leases, ended });
    if (applied === 'applied') print(`${worker} ${grant}`);
  }
}

/** Half of the workers on one of two replicas. */
async function share(port: number, prefix: string, half: number): Promise<void> {
  const place = { kind: 'single', at: { host: '127.0.0.1', port } } as const;
  const access = { tls: false, username: undefined, password: undefined, database: 0, timeoutMs: 2_000 } as const;
  const store = await openRedisStore({ place, access, prefix, durability: 'fsync' });
  await store.serve([makePool()]);
  print('opened');
  await Promise.all(WORKERS.filter((_, n) => n % 2 === half).map((worker) => work(store, worker)));
}

/**
 * `hold FOLDER` opens the store and keeps it; `open FOLDER` prints why it cannot; `load FOLDER` works until it is killed, and so does
 * `share PORT PREFIX HALF` on a server.
 */
const [verb, ...args] = process.argv.slice(2) as [string, string, string, string];
try {
  if (verb === 'share') await share(Number(args[0]), args[1], Number(args[2]));
  const store = openFileStore({ folder: args[0] });
  print('opened');
  if (verb === 'hold') setInterval(() => {}, 1_000);
  if (verb === 'load') await Promise.all(WORKERS.map((worker) => work(store, worker)));
} catch (error) {
  print((error as Error).message);
}
