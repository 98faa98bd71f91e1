import { writeSync } from 'node:fs';
import { openFileStore } from '../../src/store/file.ts';
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
    await store.apply({ pool: 'p', keys: [{ ...key, failures: grant }], leases, ended });
    print(`${worker} ${grant}`);
  }
}

/** `hold FOLDER` opens the store and keeps it; `open FOLDER` prints why it cannot; `load FOLDER` works until it is killed. */
const [verb, folder] = process.argv.slice(2) as [string, string];
try {
  const store = openFileStore({ folder });
  print('opened');
  if (verb === 'hold') setInterval(() => {}, 1_000);
  if (verb === 'load') await Promise.all(WORKERS.map((worker) => work(store, worker)));
} catch (error) {
  print((error as Error).message);
}
