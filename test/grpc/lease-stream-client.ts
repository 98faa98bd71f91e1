import { ChannelCredentials, Client, type ClientDuplexStream, status as codes, Metadata, type StatusObject } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import {
  type AcquireKeyRequest,
  type LeaseCall,
  type LeaseReply,
  LeaseStreamRequest,
  LeaseStreamResponse,
} from '../../src/generated/keylease/v1/key_lease_service.ts';

const LEASE_STREAM = '/keylease.v1.KeyLeaseService/LeaseStream';

export type Call = NonNullable<LeaseCall['call']>;
export type Reply = NonNullable<LeaseReply['reply']>;

/** A stream as its caller sees it, down to the messages. */
export interface OpenedStream {
  readonly raw: ClientDuplexStream<LeaseStreamRequest | Buffer, LeaseStreamResponse>;
  /** Sends a message of calls, whose ids go up from 1; answers whether there is room for more. */
  send(...calls: readonly (Call | undefined)[]): boolean;
  /** Sends a message as these bytes, whatever they are. */
  sendBytes(bytes: Buffer): void;
  /** There is room for more. */
  drained(): Promise<void>;
  /** Waits until so many replies have come. */
  received(count: number): Promise<void>;
  /** Waits for the end, and answers how it ended. */
  ended(): Promise<{ status: string; details: string }>;
  readonly messages: readonly (readonly LeaseReply[])[];
  /** By the id of the call; throws for one that was answered twice, or never made. */
  reply(id: number): Reply | undefined;
  readonly count: number;
}

/** Opens a `LeaseStream` over a connection of its own. */
export function openStream(address: string, options: { deadline?: number } = {}): OpenedStream {
  const client = new Client(address, ChannelCredentials.createInsecure(), {
    'grpc.enable_channelz': 0,
    'grpc.use_local_subchannel_pool': 1,
  });
  onTestFinished(() => client.close());
  const encode = (message: LeaseStreamRequest | Buffer) =>
    Buffer.isBuffer(message) ? message : Buffer.from(LeaseStreamRequest.encode(message).finish());
  const raw = client.makeBidiStreamRequest(LEASE_STREAM, encode, LeaseStreamResponse.decode, new Metadata(), options);
  const messages: LeaseReply[][] = [];
  const replies = new Map<number, Reply>();
  const awaited: { count: number; resolve: () => void }[] = [];
  let sent = 0;
  let surplus = 0;
  raw.on('data', ({ replies: batch }: LeaseStreamResponse) => {
    messages.push(batch);
    for (const { id, reply } of batch) {
      if (reply === undefined || replies.has(id) || id < 1 || id > sent) surplus += 1;
      else replies.set(id, reply);
    }
    for (const each of awaited.splice(0)) {
      if (each.count <= replies.size) each.resolve();
      else awaited.push(each);
    }
  });
  raw.on('error', () => {});
  const end = Promise.withResolvers<StatusObject>();
  raw.once('status', (status: StatusObject) => end.resolve(status));
  return {
    raw,
    messages,
    send: (...calls) => raw.write({ calls: calls.map((call) => ({ id: ++sent, call })) }),
    sendBytes: (bytes) => void raw.write(bytes),
    drained: () => new Promise((resolve) => raw.once('drain', resolve)),
    received(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (replies.size >= count) resolve();
      else awaited.push({ count, resolve });
      return promise;
    },
    async ended() {
      const { code, details } = await end.promise;
      return { status: codes[code] as string, details };
    },
    reply(id) {
      if (surplus > 0) throw new Error(`${surplus} replies that answer no call`);
      return replies.get(id);
    },
    get count() {
      return replies.size + surplus;
    },
  };
}

const UNSET = { estimatedInputTokens: undefined, estimatedOutputTokens: undefined, ttl: undefined, maxWait: undefined };
const NOTHING_ASKED: AcquireKeyRequest = {
  pool: '',
  model: '',
  requests: 0,
  affinity: '',
  priority: 0,
  excludeKeyIds: [],
  requestId: '',
  ...UNSET,
};

export function acquire(request: Partial<AcquireKeyRequest> = {}): Call {
  return { $case: 'acquireKey', value: { ...NOTHING_ASKED, ...request } };
}

/** An acquire that waits in line for as long as the pool lets it. */
export function waitForKey(request: Partial<AcquireKeyRequest> = {}): Call {
  return acquire({ maxWait: { seconds: 600, nanos: 0 }, ...request });
}

export function release(leaseId: string): Call {
  return { $case: 'releaseLease', value: { leaseId } };
}

/** The lease of an acquire; throws where it was refused. */
export function leaseIdOf(reply: Reply | undefined): string {
  if (reply?.$case !== 'acquireKey') throw new Error(`not granted: ${JSON.stringify(reply)}`);
  return reply.value.lease?.leaseId ?? '';
}
