import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { addressesOf, newFolder, serve, writeConfig } from '../e2e/process.ts';
import { connectTo, keyOf, onePool } from '../support/app.ts';
import { streamClient, Told, unaryClient } from './clients.ts';

const RELOADS = Number(process.env.ROUNDS ?? 12);
const CLIENTS = 4;

const RELOADED = 'configuration reloaded';
const REFUSED = 'the configuration was not reloaded: nothing changed';

const steady = ['a', 'b'].map((id) => keyOf(id, { max_leases: 1_000_000 }));

/** What files say in turn: keys come and go, secrets and settings change. */
const GOOD = [
  onePool([...steady, keyOf('c')]),
  onePool([...steady, keyOf('c', { secret: 'secret-of-c-rotated', weight: 7 })], { strategy: 'round_robin' }),
  onePool(steady, { lease: { ttl: '30s' } }),
  onePool([...steady, keyOf('d', { priority: 5, max_leases: 3 })], { waiting: { max_waiters: 10 } }),
];

/** What is no configuration, by what is wrong with it. */
const BROKEN: Readonly<Record<string, (good: string) => string>> = {
  empty: () => '',
  'half written': (good) => good.slice(0, good.length / 2),
  'not YAML': (good) => `${good}}}`,
  'a mistake': (good) => good.replace('"max_leases":1000000', '"max_leases":-1'),
};

test(
  'SIGHUP under load, again and again, with files that change and such that are broken: no call fails',
  async () => {
    const folder = newFolder();
    const path = writeConfig(folder, onePool(steady));
    const served = serve(path);
    const [address] = (await addressesOf(served)) as [string];
    const told = new Told();
    let isOver = false;
    const unary = Array.from({ length: CLIENTS }, () => unaryClient(address, told, () => isOver));
    const streams = Array.from({ length: CLIENTS }, () => streamClient(address, told, () => isOver));
    const count = (message: string) => served.log().filter(({ msg }) => msg === message).length;
    const reload = async (message: string) => {
      const before = count(message);
      served.process.kill('SIGHUP');
      // More than one where the server has seen by itself that a file changed.
      await expect.poll(() => count(message), { timeout: 20_000 }).toBeGreaterThan(before);
    };
    const breaks = Object.values(BROKEN);
    for (let n = 0; n < RELOADS; n += 1) {
      const good = JSON.stringify({ listen: '127.0.0.1:0', ops: false, ...GOOD[n % GOOD.length] });
      writeFileSync(path, good);
      await reload(RELOADED);
      writeFileSync(path, breaks[n % breaks.length]!(good));
      await reload(REFUSED);
    }
    isOver = true;
    await Promise.all(unary);
    expect(await Promise.all(streams)).toEqual(streams.map(() => null));
    expect([...told.statuses.keys()]).toEqual(['OK']);
    const { keys } = await connectTo(address).admin.listKeys({});
    expect(keys.map(({ keyId }) => keyId)).toEqual(expect.arrayContaining(['a', 'b']));
    process.stdout.write(`SIGHUP under load: reloads ${RELOADS}, refused ${RELOADS}, calls ${told.calls}, failed 0\n`);
    served.process.kill('SIGTERM');
    expect(await served.ended).toBe(0);
  },
  60_000 + RELOADS * 5_000,
);
