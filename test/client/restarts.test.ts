import { expect, onTestFinished, test, vi } from 'vitest';
import { createKeyLease } from '../../src/client/index.ts';
import { useStage } from './stage.ts';

const stage = useStage();

const CALLS = 600;
const AT_ONCE = 50;

test('a server that restarts under load costs no call and no report', async () => {
  const keys = ['k1', 'k2', 'k3'].map((id) => ({ id, secret: `secret-of-${id}` }));
  await stage.reset({ pools: [{ id: 'default', provider: 'anthropic', keys }] });
  const client = createKeyLease({ address: stage.grpc, deadlineMs: 60_000, flushMs: 60_000 });
  onTestFinished(() => client.close());
  let [begun, answered] = [0, 0];
  const program = async () => {
    while (begun < CALLS) {
      begun += 1;
      const secret = await client.withKey({ maxWaitMs: 60_000 }, {}, (key) => key.secret);
      if (secret.startsWith('secret-of-')) answered += 1;
    }
  };
  const restartAfter = async (calls: number) => {
    await vi.waitUntil(() => answered >= calls, { timeout: 60_000, interval: 5 });
    await stage.control('/stop');
    await stage.control('/start');
  };
  await Promise.all([...Array.from({ length: AT_ONCE }, program), restartAfter(100), restartAfter(300)]);
  await client.close();
  expect(answered).toBe(CALLS);
  expect(client.stats()).toMatchObject({ acquired: CALLS, reported: CALLS, reportsDropped: 0, waiting: 0, active: 0 });
  expect(await stage.departures({ server: { leases_active: 0 } })).toEqual([]);
});
