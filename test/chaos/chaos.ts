import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChannelCredentials, Client, Metadata } from '@grpc/grpc-js';
import { ListKeysRequest, ListKeysResponse } from '../../src/generated/keylease/v1/pool_admin_service.ts';
import { seededRandom } from '../support/random.ts';
import { until } from '../support/redis.ts';
import { check, type Violation } from './checker.ts';
import type { Fault } from './faults.ts';
import { acknowledged, type Outage, outageOf } from './figures.ts';
import { type Balance, grantOf, type Journal, moment } from './journal.ts';
import { Load } from './load.ts';
import { BOUNDS, configOf, LEASE_MAX_MS, POOLS, USAGE } from './pools.ts';
import { Replica } from './replica.ts';
import { type Kind, startTopology, type Topology } from './topology.ts';

const REPLICAS = 3;

/** How long figures before and after a fault are taken. */
const AROUND_MS = 3_000;

export interface Plan {
  readonly kind: Kind;
  readonly faults: readonly Fault[];
  readonly seed: number;
  /** Whether no further fault is wanted; what was told until then is checked. */
  readonly isOver?: () => boolean;
  /** Hears each round as it ends. */
  readonly tell?: (round: Round) => void;
}

/** One fault, and what clients saw of it. */
export interface Round {
  readonly fault: Fault;
  readonly isSeen: boolean;
  readonly outage: Outage;
}

export interface Outcome {
  readonly rounds: readonly Round[];
  readonly journal: Journal;
  readonly violations: readonly Violation[];
  readonly acknowledged: number;
  /** The last words of replicas that ended by themselves. */
  readonly crashes: readonly string[];
}

/** Replicas over one topology under load, one fault after the other; then everything that clients were told is checked. */
export async function runChaos({ kind, faults, seed, isOver = () => false, tell = () => {} }: Plan): Promise<Outcome> {
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'keylease-chaos-'));
  const topology = await startTopology(kind);
  const replicas = Array.from({ length: REPLICAS }, (_, number) => new Replica(number, folder, configOf(topology.store)));
  try {
    await Promise.all(replicas.map((replica) => replica.start()));
    const load = new Load(replicas, random);
    const rounds: Round[] = [];
    for (const fault of faults) {
      if (isOver()) break;
      await granted(load, moment());
      rounds.push(await runRound(fault, { topology, replicas, load, random }));
      tell(rounds.at(-1) as Round);
    }
    await load.stop();
    const journal = { calls: load.calls, balances: await balancesOf(replicas[0] as Replica) };
    const crashes = replicas.flatMap(({ crash }) => crash ?? []);
    return { rounds, journal, violations: check(journal, BOUNDS), acknowledged: acknowledged(load.calls).length, crashes };
  } finally {
    await Promise.all(replicas.map((replica) => replica.kill()));
    await topology.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly topology: Topology;
  readonly replicas: readonly Replica[];
  readonly load: Load;
  readonly random: () => number;
}

async function runRound(fault: Fault, { topology, replicas, load, random }: Stage): Promise<Round> {
  const any = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] as T;
  const victim = any(replicas);
  await sleep(AROUND_MS);
  const began = moment();
  const isSeen = await fault.strike({ topology, replicas, victim, pool: any(POOLS) });
  const ended = moment();
  await granted(load, ended);
  const resumed = moment();
  await sleep(Math.max(0, began + 2 * AROUND_MS - moment()));
  if (victim.address === null) await victim.start();
  await topology.mend();
  return { fault, isSeen, outage: outageOf(load.calls, { began, ended, resumed, aroundMs: AROUND_MS, victim: victim.number }) };
}

/** Done once every pool has granted what was asked for after a moment. */
async function granted(load: Load, after: number): Promise<void> {
  const fresh = () => load.calls.slice(-2_000).filter((call) => call.sent >= after && grantOf(call)?.lease.isActive);
  await until(() => POOLS.every((pool) => fresh().some((call) => call.pool === pool)));
}

/** What is left of the limit on tokens once every lease is over. */
async function balancesOf({ address }: Replica): Promise<Balance[]> {
  await sleep(LEASE_MAX_MS);
  const client = new Client(address as string, ChannelCredentials.createInsecure());
  const encode = (message: ListKeysRequest) => Buffer.from(ListKeysRequest.encode(message).finish());
  const { keys } = await new Promise<ListKeysResponse>((resolve, reject) => {
    client.makeUnaryRequest(
      '/keylease.v1.PoolAdminService/ListKeys',
      ...([encode, ListKeysResponse.decode, ListKeysRequest.fromPartial({ pool: USAGE.pool }), new Metadata()] as const),
      (error, told) => (error === null && told !== undefined ? resolve(told) : reject(error)),
    );
  });
  client.close();
  const at = moment();
  return keys.map(({ keyId: key, limits }) => ({
    ...USAGE.tokens,
    pool: USAGE.pool,
    key,
    remaining: limits[0]?.remaining ?? USAGE.tokens.limit,
    at,
  }));
}
