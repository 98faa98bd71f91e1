import { LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { acquire, openStream } from '../grpc/lease-stream-client.ts';
import { refusalOf } from '../grpc/refusal.ts';
import { type Connection, connectTo } from '../support/app.ts';

/** What clients were told while there was trouble. */
export class Told {
  /** Lease by request id, of every grant that a client has heard of. */
  readonly granted = new Map<string, string>();
  /** Request ids of acquires to which the answer was that nothing was done, or to which none came. */
  readonly refused = new Set<string>();
  /** Leases whose settlement was acknowledged. */
  readonly settled = new Set<string>();
  /** Leases whose settlement was asked for, and may or may not have happened. */
  readonly unsure = new Set<string>();
  /** How often each status was the answer. */
  readonly statuses = new Map<string, number>();
  #ids = 0;

  nextId(): string {
    this.#ids += 1;
    return `request-${this.#ids}`;
  }

  count(status: string): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }

  get calls(): number {
    return [...this.statuses.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Leases that were told and whose settlement was not. */
  underWay(): string[] {
    return [...this.granted.values()].filter((id) => !this.settled.has(id));
  }
}

/** Acquires, and settles every second lease, one call after the other until `isOver`. */
export async function unaryClient(address: string, told: Told, isOver: () => boolean): Promise<void> {
  const { leases } = connectTo(address);
  while (!isOver()) {
    const requestId = told.nextId();
    const acquired = await outcomeOf(leases.acquireKey({ requestId }), told);
    if (acquired === undefined) {
      told.refused.add(requestId);
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const { leaseId } = acquired.lease!;
    told.granted.set(requestId, leaseId);
    if (told.granted.size % 2 === 0) continue;
    told.unsure.add(leaseId);
    const settled = await outcomeOf(leases.reportHeaders({ leaseId, statusCode: 200, usage: { inputTokens: 1 } }), told);
    if (settled === undefined) continue;
    told.unsure.delete(leaseId);
    told.settled.add(leaseId);
  }
}

/** The answer; undefined: it is a refusal. */
async function outcomeOf<T>(call: Promise<T>, told: Told): Promise<T | undefined> {
  try {
    const answer = await call;
    told.count('OK');
    return answer;
  } catch (error) {
    told.count((await refusalOf(Promise.reject(error))).status);
    return undefined;
  }
}

const CALLS_A_MESSAGE = 8;

/** Acquires on one stream, some calls a message, until the stream ends or `isOver`; answers how the stream ended, null where it did not. */
export async function streamClient(address: string, told: Told, isOver: () => boolean): Promise<string | null> {
  const stream = openStream(address);
  const ended = stream.ended();
  const asked: string[] = [];
  let end: string | null = null;
  void ended.then(({ status }) => {
    end = status;
  });
  while (end === null && !isOver()) {
    const ids = Array.from({ length: CALLS_A_MESSAGE }, () => told.nextId());
    asked.push(...ids);
    stream.send(...ids.map((requestId) => acquire({ requestId })));
    await Promise.race([ended, stream.received(asked.length)]);
  }
  for (const [n, requestId] of asked.entries()) {
    const reply = stream.reply(n + 1);
    if (reply?.$case === 'acquireKey') told.granted.set(requestId, reply.value.lease!.leaseId);
    else told.refused.add(requestId);
    told.count(reply?.$case === 'acquireKey' ? 'OK' : statusOf(reply));
  }
  return end;
}

function statusOf(reply: ReturnType<ReturnType<typeof openStream>['reply']>): string {
  if (reply === undefined) return 'UNAVAILABLE';
  return reply.$case === 'error' && reply.value.code === 14 ? 'UNAVAILABLE' : `${reply.$case} ${JSON.stringify(reply.value)}`;
}

/** Ids of all leases that a server says are under way. */
export async function leasesUnderWay({ admin }: Connection): Promise<string[]> {
  const ids: string[] = [];
  let pageToken = '';
  do {
    const page = await admin.listLeases({ pageSize: 1_000, pageToken });
    ids.push(...page.leases.map(({ leaseId }) => leaseId));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return ids;
}

/** Settlements that were acknowledged and of which the server knows nothing, as lease ids. */
export async function lostSettlements({ leases }: Connection, told: Told): Promise<string[]> {
  const lost: string[] = [];
  for (const [requestId, leaseId] of told.granted) {
    if (!told.settled.has(leaseId)) continue;
    const { lease } = await leases.acquireKey({ requestId });
    if (lease?.leaseId !== leaseId || lease.state !== LeaseState.LEASE_STATE_SETTLED) lost.push(leaseId);
  }
  return lost;
}
