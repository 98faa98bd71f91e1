import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { standIn } from '../../src/audit/chain.ts';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { verified } from '../audit/support.ts';
import { type Connection, connectTo, keyOf, onePool } from '../support/app.ts';
import { seededRandom } from '../support/random.ts';
import { addressesOf, newFolder, serve, writeConfig } from './process.ts';

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 5);
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 12;

/** What clients were told, as the audit calls it: `grant ab12…`, `report ab12…`. */
async function work({ leases }: Connection, acknowledged: Set<string>): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      const { lease } = await leases.acquireKey({});
      acknowledged.add(`grant ${standIn(lease!.leaseId)}`);
      const ended =
        turn % 2 === 0
          ? await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200 })
          : await leases.releaseLease({ leaseId: lease!.leaseId });
      const how = ended.lease!.state === LeaseState.LEASE_STATE_SETTLED ? 'report' : 'release';
      acknowledged.add(`${how} ${standIn(lease!.leaseId)}`);
    } catch {
      return;
    }
  }
}

test('killed at any moment under load, the audit has every grant and end that a client was told, in one chain', async () => {
  const random = seededRandom(SEED);
  const folder = newFolder();
  const path = join(folder, 'audit.log');
  const keys = ['a', 'b'].map((id) => keyOf(id, { max_leases: 1_000_000 }));
  const config = writeConfig(folder, { ...onePool(keys), audit: { file: path } });
  const acknowledged = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const served = serve(config);
    const [address] = await addressesOf(served);
    const working = Array.from({ length: CLIENTS }, () => work(connectTo(address as string), acknowledged));
    await sleep(50 + random() * 250);
    served.process.kill('SIGKILL');
    await Promise.all([served.ended, ...working]);
  }
  const last = serve(config);
  await addressesOf(last);
  last.process.kill('SIGTERM');
  await last.ended;

  const text = readFileSync(path, 'utf8');
  const found = verified(text);
  expect({ seed: SEED, flaw: found.flaw, unfinished: found.unfinishedBytes }).toEqual({ seed: SEED, flaw: null, unfinished: 0 });
  const told = new Set(
    [...text.matchAll(/"kind":"(grant|report|release)".*?"lease":"([0-9a-f]{16})"/g)].map(([, kind, lease]) => `${kind} ${lease}`),
  );
  expect([...acknowledged].filter((each) => !told.has(each))).toEqual([]);
  const figures = `kills ${ROUNDS}, acknowledgements ${acknowledged.size}, missing 0, records ${found.records}, torn lines ${found.torn}, seed ${SEED}`;
  process.stdout.write(`audit under kill -9: ${figures}\n`);
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * CLIENTS);
});
