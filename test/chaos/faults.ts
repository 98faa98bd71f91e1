import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RedisServer, until } from '../support/redis.ts';
import { LEASE_MAX_MS } from './pools.ts';
import type { Replica } from './replica.ts';
import { isPrimary, type Kind, type Topology } from './topology.ts';
import type { Weather } from './way.ts';

/** What a fault is done to. */
interface Scene {
  readonly topology: Topology;
  readonly replicas: readonly Replica[];
  /** The replica that a fault of one is done to. */
  readonly victim: Replica;
  /** The pool whose primary a fault of the store is done to. */
  readonly pool: string;
}

/** A fault; done once it has ended, which leaves only mending to do. Answers whether it was seen to be one. */
export interface Fault {
  readonly name: string;
  readonly on: readonly Kind[];
  /** Whether another server, or another run of it, takes the writes afterwards. */
  readonly isFailover: boolean;
  strike(scene: Scene): Promise<boolean>;
}

const EVERYWHERE: readonly Kind[] = ['single', 'sentinel', 'replicated', 'cluster'];

/** Where another server takes over. */
const SEVERAL: readonly Kind[] = ['sentinel', 'replicated', 'cluster'];

/** Where an answer may leave that one server alone knows. */
const LOSSY: readonly Kind[] = ['single', 'sentinel', 'cluster'];

/** Longer than the leases that clients ask for, and than any replica is believed to be alive without a sign. */
const STOPPED_MS = 3_500;

/** Longer than the store's timeout, and than Sentinel or Cluster wait before they act. */
const FROZEN_MS = 2_500;

/** Shorter than Sentinel or Cluster take a server for dead. */
const LAG_MS = 300;

const PARTED_MS = 2_000;

/** Longer than others learn. */
const SPLIT_MS = LEASE_MAX_MS + 2_000;

const HOUR_MS = 3_600_000;

export const FAULTS: readonly Fault[] = [
  fault('kill primary', { isFailover: true }, killPrimary),
  fault('kill primary whose last writes are lost', { isFailover: true, on: LOSSY }, loseWrites),
  fault('freeze primary', { isFailover: true, on: SEVERAL }, freezePrimary),
  fault('freeze server', { on: ['single'] }, freezePrimary),
  fault('kill replica', {}, ({ victim }) => victim.kill()),
  fault('stop replica', {}, ({ victim }) => stopped(victim)),
  fault('step clock on', {}, ({ victim }) => stepped(victim, HOUR_MS)),
  fault('step clock back', {}, ({ victim }) => stepped(victim, -HOUR_MS)),
  fault('cut off', {}, (scene) => parted(scene, 'drop')),
  fault('black hole', {}, (scene) => parted(scene, 'black hole')),
  fault('slow way', {}, (scene) => parted(scene, 150)),
  fault('part primary', { isFailover: true, on: SEVERAL }, (scene) => partedPrimary(scene, [], 'drop')),
  fault('split brain', { isFailover: true, on: ['replicated'] }, (scene) => partedPrimary(scene, [scene.victim], 'black hole')),
  fault('kill primary and replica', { isFailover: true }, async (scene) => {
    const killed = scene.victim.kill();
    return (await killPrimary(scene)) && (await killed);
  }),
  fault('kill replica and primary whose last writes are lost', { isFailover: true, on: LOSSY }, async (scene) => {
    const [isLost, isKilled] = await Promise.all([loseWrites(scene), sleep(LAG_MS / 2).then(() => scene.victim.kill())]);
    return isLost && isKilled;
  }),
  fault('kill primary while a replica is stopped', { isFailover: true }, async (scene) => {
    const [isStopped, isKilled] = await Promise.all([stopped(scene.victim), sleep(300).then(() => killPrimary(scene))]);
    return isStopped && isKilled;
  }),
];

function fault(name: string, { isFailover = false, on = EVERYWHERE }: Partial<Fault>, strike: Fault['strike']): Fault {
  return { name, on, isFailover, strike };
}

async function killPrimary({ topology, pool }: Scene): Promise<boolean> {
  const before = await topology.runOf(pool);
  const primary = await topology.primaryOf(pool);
  await primary.kill();
  await topology.movedFrom(primary, pool);
  return (await topology.runOf(pool)) !== before;
}

/** What was answered last is known to the replicas alone: the server that takes over lags, or the only one loses its disk. */
async function loseWrites({ topology, pool }: Scene): Promise<boolean> {
  const primary = await topology.primaryOf(pool);
  if (topology.kind === 'single') {
    await primary.kill();
    rmSync(join(primary.folder, 'appendonlydir'), { recursive: true });
    await topology.movedFrom(primary, pool);
    return true;
  }
  const [, , [[, port]]] = await primary.ask('ROLE');
  const follower = topology.servers.find((server) => server.known === Number(port)) as RedisServer;
  follower.signal('SIGSTOP');
  await sleep(LAG_MS);
  const [, written, [[, , taken]]] = await primary.ask('ROLE');
  await primary.kill();
  follower.signal('SIGCONT');
  await topology.movedFrom(primary, pool);
  return Number(written) > Number(taken);
}

/** It goes on later, believes it is still the primary, and runs what came meanwhile. */
async function freezePrimary({ topology, pool }: Scene): Promise<boolean> {
  const primary = await topology.primaryOf(pool);
  primary.signal('SIGSTOP');
  try {
    const answer = await primary.ask('PING').catch(() => 'none');
    await Promise.all([sleep(FROZEN_MS), topology.kind === 'single' ? undefined : topology.movedFrom(primary, pool)]);
    return answer === 'none';
  } finally {
    primary.signal('SIGCONT');
  }
}

async function stopped(victim: Replica): Promise<boolean> {
  victim.signal('SIGSTOP');
  await sleep(STOPPED_MS);
  const isStopped = victim.state === 'T';
  victim.signal('SIGCONT');
  return isStopped;
}

async function stepped(victim: Replica, byMs: number): Promise<boolean> {
  const went = await victim.stepClock(byMs);
  await sleep(1_000);
  return Math.abs(went - byMs) < HOUR_MS / 2;
}

/** One replica no longer reaches the servers, or no longer well. */
async function parted({ topology: { net }, victim }: Scene, weather: Weather): Promise<boolean> {
  const before = net.touched;
  net.part([victim.callsFrom], weather);
  await sleep(PARTED_MS);
  net.heal();
  return net.touched > before;
}

/** A primary lives on where nobody reaches it but some replicas, which reach nobody else, for longer than the longest lease. */
async function partedPrimary({ topology, pool }: Scene, company: readonly Replica[], weather: Weather): Promise<boolean> {
  const primary = await topology.primaryOf(pool);
  topology.net.part([primary.address, ...company.map(({ callsFrom }) => callsFrom)], weather);
  try {
    await topology.movedFrom(primary, pool);
    await sleep(SPLIT_MS);
    return await isPrimary(primary);
  } finally {
    topology.net.heal();
    await until(async () => !(await isPrimary(primary)));
  }
}
