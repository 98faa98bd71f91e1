import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import type { Status } from '../generated/google/rpc/status.ts';
import type { LeaseCall, LeaseReply, LeaseStreamRequest, LeaseStreamResponse } from '../generated/keylease/v1/key_lease_service.ts';
import type { Answer } from '../service/problem.ts';
import { CallRecord, rpcOf } from './call-record.ts';
import { FieldCheck } from './check.ts';
import { type CallContext, contextOf, type HandlerOptions, problemBefore, statusOfFault } from './handler.ts';
import type { Identity, Who } from './identity.ts';
import type { LeaseCalls } from './lease-calls.ts';
import type { OpenStreams } from './open-streams.ts';
import { serviceError, statusOf } from './status.ts';

/** Replies in one message. One may take 60 KiB, where a key has many limits, and clients receive 4 MiB at once; more would save nothing. */
const REPLIES_IN_MESSAGE_MAX = 64;

/** What a call on the stream is called where it comes on its own. */
const RPCS = {
  acquireKey: 'keylease.v1.KeyLeaseService/AcquireKey',
  reportHeaders: 'keylease.v1.KeyLeaseService/ReportHeaders',
  markUnhealthy: 'keylease.v1.KeyLeaseService/MarkUnhealthy',
  renewLease: 'keylease.v1.KeyLeaseService/RenewLease',
  releaseLease: 'keylease.v1.KeyLeaseService/ReleaseLease',
} as const;

type Stream = ServerDuplexStream<LeaseStreamRequest, LeaseStreamResponse>;

/** `LeaseStream`: calls as they come, replies as they are ready, those of one turn of the event loop in one message. */
export function leaseStream(
  options: HandlerOptions,
  streams: OpenStreams,
  calls: LeaseCalls,
): handleBidiStreamingCall<LeaseStreamRequest, LeaseStreamResponse> {
  return (stream) => {
    const identity = options.identityOf(stream);
    const record = new CallRecord(rpcOf(stream.getPath()), stream.metadata, {}, options.observe).follow(stream);
    const begin = (who: Who) => {
      if (typeof who !== 'string') {
        const status = statusOf(who, options.now());
        record.refused(status);
        stream.emit('error', serviceError(status));
        return;
      }
      record.holder = who;
      if (!stream.cancelled) new Conversation(options, streams, calls, stream, identity).begin();
    };
    const found = identity.who();
    if (found instanceof Promise) void found.then(begin);
    else begin(found);
  };
}

class Conversation {
  readonly #options: HandlerOptions;
  readonly #streams: OpenStreams;
  readonly #calls: LeaseCalls;
  readonly #stream: Stream;
  readonly #identity: Identity;
  readonly #context: Omit<CallContext, 'holder' | 'isStillKnown'>;
  /** By the wall clock; infinite: it has none. */
  readonly #deadline: number;
  /** Those who wait in line and would hear of the end of the stream: one listener for all of them, which leave in any order. */
  readonly #waiting = new Set<() => void>();
  #ready: LeaseReply[] = [];
  #underWay = 0;
  #inLine = 0;
  #isScheduled = false;
  #isFull = false;
  /** Messages handed to the stream and not yet on their way. */
  #writing = 0;
  /** Set when no more calls are read; undefined inside: the caller is done, else the error that ends the stream. */
  #ending: { readonly error: Error | undefined } | undefined;

  constructor(options: HandlerOptions, streams: OpenStreams, calls: LeaseCalls, stream: Stream, identity: Identity) {
    this.#options = options;
    this.#streams = streams;
    this.#calls = calls;
    this.#stream = stream;
    this.#identity = identity;
    this.#context = { ...contextOf(stream, '', identity), onCancel: (leave) => this.#onCancel(leave) };
    this.#deadline = Date.now() + this.#context.deadlineMs;
  }

  begin(): void {
    this.#streams.add(this);
    this.#stream.on('data', (message: LeaseStreamRequest) => this.#read(message));
    this.#stream.on('drain', () => {
      this.#isFull = false;
      this.#schedule();
    });
    this.#stream.once('end', () => this.#finish(undefined));
    this.#stream.once('close', () => this.#streams.delete(this));
    this.#stream.once('cancelled', () => {
      this.#streams.delete(this);
      for (const leave of this.#waiting) leave();
    });
  }

  /** A drain: what is under way is answered, then the stream ends. */
  end(error: Error): void {
    this.#stream.pause();
    this.#finish(error);
  }

  #read(message: LeaseStreamRequest): void {
    const problem = problemBefore(this.#options, message);
    if (problem !== undefined) {
      this.#stream.pause();
      this.#finish(serviceError(statusOf(problem, this.#options.now())));
      return;
    }
    for (const call of message.calls) this.#take(call);
    if (this.#isBehind) this.#stream.pause();
  }

  /** Too many calls under way, not counting those that wait in line, and replies not sent: the stream is not read. */
  get #isBehind(): boolean {
    return this.#underWay - this.#inLine + this.#ready.length > this.#options.limits.unansweredPerStream;
  }

  #take(call: LeaseCall): void {
    const waits = call.call?.$case === 'acquireKey' && call.call.value.maxWait !== undefined;
    this.#underWay += 1;
    if (waits) this.#inLine += 1;
    const record = this.#recordOf(call);
    void this.#answer(call, record).then((reply) => {
      if (reply?.$case === 'error') record.refused(reply.value);
      else record.answered(reply?.value);
      this.#underWay -= 1;
      if (waits) this.#inLine -= 1;
      this.#ready.push({ id: call.id, reply });
      this.#schedule();
    });
  }

  async #answer({ call }: LeaseCall, record: CallRecord): Promise<LeaseReply['reply']> {
    try {
      // Looked at again for each call: what let the stream in may have ended since.
      const found = this.#identity.who();
      const who = found instanceof Promise ? await found : found;
      if (typeof who !== 'string') return failed(statusOf(who, this.#options.now()));
      record.holder = who;
      const context = this.#contextFor(who);
      switch (call?.$case) {
        case 'acquireKey':
          return replyOf(call.$case, await this.#calls.acquireKey(call.value, context));
        case 'reportHeaders':
          return replyOf(call.$case, await this.#calls.reportHeaders(call.value, context));
        case 'markUnhealthy':
          return replyOf(call.$case, await this.#calls.markUnhealthy(call.value, context));
        case 'renewLease':
          return replyOf(call.$case, await this.#calls.renewLease(call.value, context));
        case 'releaseLease':
          return replyOf(call.$case, await this.#calls.releaseLease(call.value, context));
        case undefined:
          return failed(statusOf({ kind: 'invalid', violations: [{ field: 'call', description: 'is required' }] }, this.#options.now()));
        default:
          return call satisfies never;
      }
    } catch (fault) {
      return failed(statusOfFault(this.#options, this.#stream.getPath(), fault));
    }
  }

  #recordOf({ call }: LeaseCall): CallRecord {
    const rpc = call === undefined ? rpcOf(this.#stream.getPath()) : RPCS[call.$case];
    return new CallRecord(rpc, this.#stream.metadata, call?.value ?? {}, this.#options.observe);
  }

  #contextFor(holder: string): CallContext {
    const isStillKnown = () => this.#identity.isStill(holder);
    return { ...this.#context, holder, isStillKnown, check: new FieldCheck(), deadlineMs: this.#deadline - Date.now() };
  }

  #onCancel(leave: () => void): () => void {
    this.#waiting.add(leave);
    return () => this.#waiting.delete(leave);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isFull) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#stream.cancelled) return;
    while (this.#ready.length > 0 && !this.#isFull) {
      const replies = this.#ready.splice(0, REPLIES_IN_MESSAGE_MAX);
      this.#writing += 1;
      this.#isFull = !this.#stream.write({ replies }, () => this.#written());
    }
    if (this.#ending === undefined) {
      if (!this.#isBehind && this.#stream.isPaused()) this.#stream.resume();
      return;
    }
    if (this.#underWay > 0 || this.#ready.length > 0 || this.#writing > 0) return;
    this.#streams.delete(this);
    if (this.#ending.error === undefined) this.#stream.end();
    else this.#stream.emit('error', this.#ending.error);
  }

  #written(): void {
    this.#writing -= 1;
    if (this.#ending !== undefined) this.#schedule();
  }

  #finish(error: Error | undefined): void {
    this.#ending ??= { error };
    this.#schedule();
  }
}

function replyOf<Case extends NonNullable<LeaseReply['reply']>['$case'], Value>($case: Case, answer: Answer<Value>): LeaseReply['reply'] {
  return answer.ok ? ({ $case, value: answer.value } as LeaseReply['reply']) : failed(statusOf(answer.problem, answer.now));
}

function failed(status: Status): LeaseReply['reply'] {
  return { $case: 'error', value: status };
}
