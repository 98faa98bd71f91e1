import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Connection, connectTo, keyOf, onePool } from '../support/app.ts';
import { seededRandom } from '../support/random.ts';
import { Oracle } from './oracle.ts';
import { addressesOf, newFolder, type Served, serve, writeConfig } from './process.ts';

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 6);
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
const CLIENTS = 12;

/** Input tokens of a month: fewer than four come back in a second, which could hide no settlement that is counted twice. */
const MONTH_TOKENS = 10_000_000;
const BACK_IN_A_SECOND = 4;

const LEARNT = { 'anthropic-ratelimit-requests-limit': '4242', 'anthropic-ratelimit-requests-remaining': '4242' };

test(
  'killed at any moment under load, it loses nothing that was acknowledged, grants no request id twice and settles nothing twice',
  async () => {
    const random = seededRandom(SEED);
    const limits = { input_tokens: { limit: MONTH_TOKENS, window: '31d' } };
    const keys = ['a', 'b', 'c'].map((id) => keyOf(id, { limits, max_leases: 1_000_000, limit_group: 'org' }));
    const config = writeConfig(newFolder(), { ...onePool(keys, { lease: { ttl: '6h', max_ttl: '6h' } }) });
    const oracle = new Oracle(random);
    const restartMs: number[] = [];
    let checked = 0;
    const start = performance.now();

    let { served, connection } = await started(config, restartMs);
    await teach(connection);
    for (let round = 0; round < ROUNDS; round += 1) {
      const working = Array.from({ length: CLIENTS }, () => oracle.work(connectTo(served.address)));
      await sleep(50 + random() * 250);
      served.process.kill('SIGKILL');
      await Promise.all([served.ended, ...working]);

      ({ served, connection } = await started(config, restartMs));
      const verdict = await oracle.check(connection);
      checked += verdict.checked;
      expect({ seed: SEED, round, lost: verdict.lost }).toEqual({ seed: SEED, round, lost: [] });
      expect(await leasesUnderWay(connection)).toEqual(oracle.underWay().sort());
      await expectCounts(connection, oracle, performance.now() - start);
    }
    const p99 = restartMs.sort((a, b) => a - b)[Math.ceil(restartMs.length * 0.99) - 1] as number;
    const figures = `kills ${ROUNDS}, acknowledgements checked ${checked}, lost 0, granted twice 0, restart p99 ${p99.toFixed(0)} ms, seed ${SEED}`;
    process.stdout.write(`kill -9 under load: ${figures}\n`);
    expect(checked).toBeGreaterThan(ROUNDS * CLIENTS);
  },
  20_000 + ROUNDS * 10_000,
);

async function started(config: string, restartMs: number[]): Promise<{ served: Served & { address: string }; connection: Connection }> {
  const start = performance.now();
  const served = serve(config);
  const [address] = await addressesOf(served);
  restartMs.push(performance.now() - start);
  return { served: { ...served, address: address as string }, connection: connectTo(address as string) };
}

/** A limit that only a response tells, so that a restart would forget it if it were not kept. */
async function teach({ leases }: Connection): Promise<void> {
  const { lease } = await leases.acquireKey({ model: 'learnt' });
  await leases.reportHeaders({ leaseId: lease!.leaseId, statusCode: 200, headers: LEARNT });
}

async function leasesUnderWay({ admin }: Connection): Promise<string[]> {
  const ids: string[] = [];
  let pageToken = '';
  do {
    const page = await admin.listLeases({ pageSize: 1_000, pageToken });
    ids.push(...page.leases.map(({ leaseId }) => leaseId));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return ids.sort();
}

/** Counts that a lease lost, granted or settled twice would falsify, and the limit that was learnt at first. */
async function expectCounts({ admin }: Connection, oracle: Oracle, elapsedMs: number): Promise<void> {
  const { keys } = await admin.listKeys({});
  const active = keys.reduce((sum, { activeLeases }) => sum + activeLeases, 0);
  expect(active).toBe(oracle.underWay().length);
  const limits = keys[0]!.limits;
  expect(limits.find(({ modelClass, dimension }) => modelClass === 'learnt' && dimension === 1)).toMatchObject({ limit: 4_242, source: 2 });
  const spent = MONTH_TOKENS - limits.find(({ modelClass }) => modelClass === '')!.remaining;
  expect(spent).toBeLessThanOrEqual(oracle.settled * 10);
  expect(spent).toBeGreaterThan(oracle.settled * 10 - (elapsedMs / 1_000) * BACK_IN_A_SECOND - 1);
}
