import { ChannelCredentials, Client, type ClientDuplexStream, status as codes, Metadata } from '@grpc/grpc-js';
import {
  AcquireKeyRequest,
  AcquireKeyResponse,
  type LeaseCall,
  type LeaseReply,
  LeaseStreamRequest,
  LeaseStreamResponse,
  ReleaseLeaseRequest,
  ReleaseLeaseResponse,
  ReportHeadersRequest,
  ReportHeadersResponse,
} from '../../src/generated/keylease/v1/key_lease_service.ts';
import { type Lease, LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import type { Answer } from './journal.ts';

const SERVICE = '/keylease.v1.KeyLeaseService/';

/** Answers after which a call has certainly come to nothing. Of an answer UNAVAILABLE nobody knows. */
const REFUSALS: ReadonlySet<number> = new Set([
  codes.RESOURCE_EXHAUSTED,
  codes.FAILED_PRECONDITION,
  codes.NOT_FOUND,
  codes.INVALID_ARGUMENT,
]);

/** What is asked, as the stream has it: an RPC of its own or a call in a stream. */
export type Asked = Extract<LeaseCall['call'], { $case: 'acquireKey' | 'reportHeaders' | 'releaseLease' }>;

/** One way to call one replica in one of its lives. */
export interface Caller {
  call(asked: Asked, deadlineMs: number): Promise<Answer>;
  close(): void;
}

interface Method {
  readonly path: string;
  // biome-ignore lint/suspicious/noExplicitAny: each method has its own messages, which the table below pairs
  readonly encode: (message: any) => Buffer;
  readonly decode: (bytes: Buffer) => { lease?: Lease | undefined };
}

const METHODS: Readonly<Record<Asked['$case'], Method>> = {
  acquireKey: {
    path: `${SERVICE}AcquireKey`,
    encode: (message) => Buffer.from(AcquireKeyRequest.encode(message).finish()),
    decode: (bytes) => AcquireKeyResponse.decode(bytes),
  },
  reportHeaders: {
    path: `${SERVICE}ReportHeaders`,
    encode: (message) => Buffer.from(ReportHeadersRequest.encode(message).finish()),
    decode: (bytes) => ReportHeadersResponse.decode(bytes),
  },
  releaseLease: {
    path: `${SERVICE}ReleaseLease`,
    encode: (message) => Buffer.from(ReleaseLeaseRequest.encode(message).finish()),
    decode: (bytes) => ReleaseLeaseResponse.decode(bytes),
  },
};

const CHANNEL = { 'grpc.enable_channelz': 0, 'grpc.use_local_subchannel_pool': 1, 'grpc.initial_reconnect_backoff_ms': 100 };

/** Each call an RPC of its own. */
export function unaryCaller(address: string): Caller {
  const client = new Client(address, ChannelCredentials.createInsecure(), CHANNEL);
  return {
    call: (asked, deadlineMs) =>
      new Promise((resolve) => {
        const { path, encode, decode } = METHODS[asked.$case];
        client.makeUnaryRequest(path, encode, decode, asked.value, new Metadata(), { deadline: Date.now() + deadlineMs }, (error, answer) =>
          resolve(error === null ? told(answer?.lease) : failed(error.code)),
        );
      }),
    close: () => client.close(),
  };
}

/** Every call in one stream, which is opened anew when it breaks. */
export function streamCaller(address: string): Caller {
  const client = new Client(address, ChannelCredentials.createInsecure(), CHANNEL);
  let stream: OpenStream | null = null;
  return {
    call(asked, deadlineMs) {
      if (stream === null || stream.isOver) stream = new OpenStream(client);
      return stream.call(asked, deadlineMs);
    },
    close() {
      stream?.end();
      client.close();
    },
  };
}

class OpenStream {
  readonly #stream: ClientDuplexStream<LeaseStreamRequest, LeaseStreamResponse>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;
  isOver = false;

  constructor(client: Client) {
    const encode = (message: LeaseStreamRequest) => Buffer.from(LeaseStreamRequest.encode(message).finish());
    this.#stream = client.makeBidiStreamRequest(`${SERVICE}LeaseStream`, encode, LeaseStreamResponse.decode, new Metadata());
    this.#stream.on('data', ({ replies }: LeaseStreamResponse) => {
      for (const { id, reply } of replies) this.#settle(id, replied(reply));
    });
    this.#stream.on('error', () => this.#break());
    this.#stream.on('end', () => this.#break());
  }

  call(asked: Asked, deadlineMs: number): Promise<Answer> {
    this.#calls += 1;
    const id = this.#calls;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const timer = setTimeout(() => this.#settle(id, failed(codes.DEADLINE_EXCEEDED)), deadlineMs);
    this.#waiting.set(id, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    this.#stream.write({ calls: [{ id, call: asked }] });
    return promise;
  }

  end(): void {
    this.#stream.cancel();
  }

  #settle(id: number, answer: Answer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  /** Of the calls that were not answered nobody knows. */
  #break(): void {
    this.isOver = true;
    for (const id of [...this.#waiting.keys()]) this.#settle(id, failed(codes.UNAVAILABLE));
  }
}

function replied(reply: LeaseReply['reply']): Answer {
  switch (reply?.$case) {
    case 'error':
      return failed(reply.value.code);
    case 'acquireKey':
    case 'reportHeaders':
    case 'releaseLease':
      return told(reply.value.lease);
    default:
      return failed(codes.UNKNOWN);
  }
}

function told(lease: Lease | undefined): Answer {
  if (lease === undefined) return failed(codes.UNKNOWN);
  const { leaseId: id, keyId: key, state, expireTime, requestsReserved: requests, requestsReported: reported } = lease;
  return {
    kind: 'lease',
    lease: {
      ...{ id, key, requests, reported },
      isActive: state === LeaseState.LEASE_STATE_ACTIVE,
      isReleased: state === LeaseState.LEASE_STATE_RELEASED,
      expireTime: Number(expireTime?.seconds ?? 0) * 1_000 + Math.floor((expireTime?.nanos ?? 0) / 1e6),
    },
  };
}

function failed(code: number): Answer {
  return { kind: REFUSALS.has(code) ? 'refused' : 'unknown', status: codes[code] ?? `${code}` };
}
