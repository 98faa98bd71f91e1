/** A thread of its own: a client that behaves well, beside the attacker, and looks at every answer. */
import { parentPort, workerData } from 'node:worker_threads';
import { Channel, ChannelCredentials } from '@grpc/grpc-js';
import { createClient } from 'nice-grpc';
import { KeyLeaseServiceDefinition } from '../../src/generated/keylease/v1/key_lease_service.ts';
import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import type { Experience } from './bystander.ts';

const { address, ca } = workerData as { readonly address: string; readonly ca?: Uint8Array };

/** Between two pairs of calls, so that an idle server stays idle. */
const PAUSE_MS = 4;

const credentials = ca === undefined ? ChannelCredentials.createInsecure() : ChannelCredentials.createSsl(Buffer.from(ca));
const channel = new Channel(address, credentials, { 'grpc.enable_channelz': 0, 'grpc.use_local_subchannel_pool': 1 });
const leases = createClient(KeyLeaseServiceDefinition, channel);

let latencies: number[] = [];
let wrong: string[] = [];

async function timed<T>(call: Promise<T>): Promise<T> {
  const start = performance.now();
  const answer = await call;
  latencies.push(performance.now() - start);
  return answer;
}

/** Leases a key and gives it back used; a sentence where an answer is not what it must be. */
async function once(): Promise<string | null> {
  const { lease, credential } = await timed(leases.acquireKey({ pool: 'default', model: 'claude-sonnet-4-5' }));
  if (lease === undefined || credential?.secret !== `secret-of-${lease.keyId}`) return 'another secret than that of the key';
  const reported = await timed(
    leases.reportHeaders({ leaseId: lease.leaseId, statusCode: 200, usage: { inputTokens: 1, outputTokens: 1 } }),
  );
  if (reported.lease?.leaseId !== lease.leaseId) return 'a report on another lease';
  return reported.lease.state === LeaseState.LEASE_STATE_SETTLED ? null : `a lease in state ${reported.lease.state} after its report`;
}

async function work(): Promise<never> {
  for (;;) {
    const problem = await once().catch(String);
    if (problem !== null) wrong.push(problem);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

parentPort!.on('message', () => {
  parentPort!.postMessage({ latencies, wrong } satisfies Experience);
  latencies = [];
  wrong = [];
});
void work();
