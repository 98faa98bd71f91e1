/** The service as it is wired for production. Argument: the folder of its file store; none: the memory store. */
import { startApp } from '../../src/app.ts';
import { end } from '../../src/pool/lease.ts';
import type { PoolConfig } from '../../src/pool/model.ts';
import { Pools } from '../../src/service/pools.ts';
import { openFileStore } from '../../src/store/file.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { answerLines } from './answer-lines.ts';
import { benchConfig, POOL } from './config.ts';

const folder = process.argv[2];
const store = folder === undefined ? memoryStore() : openFileStore({ folder });
const config = benchConfig();
const app = await startApp(config, { store });

const pools = new Pools(store.installationKey);
pools.put(config.pools);
const pool = pools.named(POOL) as PoolConfig;

/** Gives back every lease that a load has left, without a word on the wire, so that each load starts from the same tables. */
async function release(): Promise<object> {
  const leases = [...store.read(pool).leases()];
  await Promise.all(leases.map((lease) => store.apply(end(store.read(pool), lease, 'released').change)));
  return { released: leases.length };
}

await answerLines(app.addresses[0] as string, { release }, () => app.close());
