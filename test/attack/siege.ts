import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { createChannel, createClient } from 'nice-grpc';
import { KeyLeaseServiceDefinition } from '../../src/generated/keylease/v1/key_lease_service.ts';
import type { Attack, Target } from './attack.ts';
import { type Bystander, type Experience, startBystander } from './bystander.ts';
import { Connection } from './raw-http2.ts';
import type { AttackedServer, ServerFactory } from './server.ts';

const CALLS_MIN = 20;

/** What one attack did to a server and to a client that behaves well. */
export interface Outcome {
  readonly name: string;
  readonly did: string;
  /** What it wrote to standard error or that it is gone; empty: it is well. */
  readonly crash: string;
  /** Calls of the client that behaves well while the attack lasted. */
  readonly calls: number;
  readonly wrong: readonly string[];
  readonly p99Before: number;
  readonly p99During: number;
  /** MiB. */
  readonly memory: { readonly before: number; readonly peak: number; readonly after: number };
  /** Whether a new client is answered when it is over. */
  readonly worksAfter: boolean;
}

export interface Lengths {
  /** The share of each attack's full count. */
  readonly share: number;
  readonly attackMs: number;
  /** Whether each attack meets a server of its own; else one bears them all. */
  readonly isFresh: boolean;
  /** How long the client that behaves well is watched before, and the server left alone after. */
  readonly quietMs: number;
}

/** Attacks a server in all these ways, one after the other. */
export async function besiege(
  start: ServerFactory,
  attacks: readonly Attack[],
  lengths: Lengths,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  for (const some of lengths.isFresh ? attacks.map((attack) => [attack]) : [attacks])
    await besiegeOne(await start(), some, lengths, onOutcome);
}

async function besiegeOne(
  server: AttackedServer,
  attacks: readonly Attack[],
  lengths: Lengths,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const bystander = startBystander(server);
  try {
    await quiet(lengths.quietMs * 2);
    for (const attack of attacks) onOutcome(await outcomeOf(attack, server, bystander, lengths));
  } finally {
    await bystander.stop();
    await server.stop();
  }
}

async function outcomeOf(attack: Attack, server: AttackedServer, bystander: Bystander, lengths: Lengths): Promise<Outcome> {
  await bystander.tell();
  await quiet(lengths.quietMs);
  const before = await bystander.tell();
  const memoryBefore = server.memory().now;
  server.forgetPeak();
  const budget = { share: lengths.share, until: performance.now() + lengths.attackMs };
  const did = await attack.run(targetOf(server), budget, Math.max(1, Math.round(attack.count * lengths.share)));
  const during = await atLeastSome(bystander);
  const { peak } = server.memory();
  await quiet(lengths.quietMs);
  return {
    name: attack.name,
    did,
    crash: server.isAlive() ? server.errors() : `it is gone: ${server.errors()}`,
    calls: during.latencies.length,
    wrong: during.wrong,
    p99Before: p99(before.latencies),
    p99During: p99(during.latencies),
    memory: { before: memoryBefore, peak, after: server.memory().now },
    worksAfter: await works(server),
  };
}

/** An attack may be over before the other client was answered even once. */
async function atLeastSome(bystander: Bystander): Promise<Experience> {
  let all: Experience = { latencies: [], wrong: [] };
  while (all.latencies.length + all.wrong.length < CALLS_MIN) {
    const { latencies, wrong } = await bystander.tell();
    all = { latencies: [...all.latencies, ...latencies], wrong: [...all.wrong, ...wrong] };
    await quiet(10);
  }
  return all;
}

function targetOf(server: AttackedServer): Target {
  const [host, port] = [server.address.slice(0, server.address.lastIndexOf(':')), Number(server.address.split(':').at(-1))];
  const { ca } = server;
  return {
    address: server.address,
    credentials: credentialsOf(server),
    connect: () =>
      new Promise((resolve) => {
        const socket = ca === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ca, ALPNProtocols: ['h2'] });
        const connection = new Connection(socket);
        const ready = () => resolve(connection);
        // One that is turned away resolves as well: an attacker goes on.
        socket.once(ca === undefined ? 'connect' : 'secureConnect', ready).once('close', ready);
      }),
  };
}

function credentialsOf({ ca }: AttackedServer): ChannelCredentials {
  return ca === undefined ? ChannelCredentials.createInsecure() : ChannelCredentials.createSsl(ca);
}

async function works(server: AttackedServer): Promise<boolean> {
  const channel = createChannel(server.address, credentialsOf(server), { 'grpc.use_local_subchannel_pool': 1 });
  const client = createClient(KeyLeaseServiceDefinition, channel);
  try {
    const { lease, credential } = await client.acquireKey({ pool: 'default' }, { signal: AbortSignal.timeout(30_000) });
    return lease !== undefined && credential?.secret === `secret-of-${lease.keyId}`;
  } catch {
    return false;
  } finally {
    channel.close();
  }
}

function p99(latencies: readonly number[]): number {
  const sorted = [...latencies].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? Number.NaN;
}

function quiet(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
