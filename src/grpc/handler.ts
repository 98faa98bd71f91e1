import { randomUUID } from 'node:crypto';
import type { handleServerStreamingCall, handleUnaryCall, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Limits } from '../config/schema-limits.ts';
import type { Status } from '../generated/google/rpc/status.ts';
import { Contended } from '../service/decide.ts';
import type { CallObserver } from '../service/finished-call.ts';
import type { Caller } from '../service/leases.ts';
import { type Answer, answered, type FieldViolation, type Problem } from '../service/problem.ts';
import { StoreLost } from '../store/store.ts';
import { CallRecord, rpcOf } from './call-record.ts';
import { FieldCheck } from './check.ts';
import type { Identity, ShowsIdentity, Who } from './identity.ts';
import type { OpenStreams } from './open-streams.ts';
import { internalError, serviceError, statusOf } from './status.ts';

/** A request whose bytes could not be decoded, in the place of the message. */
export class Malformed {
  readonly violations: readonly FieldViolation[];

  constructor(violations: readonly FieldViolation[]) {
    this.violations = violations;
  }
}

/** What a call knows besides its message. */
export interface CallContext extends Caller {
  readonly holder: string;
  readonly isStillKnown: () => boolean | Promise<boolean>;
  /** By the wall clock: from then on `isStillKnown` may have another answer. */
  readonly validUntil: () => number;
  readonly check: FieldCheck;
}

/** What every handler needs from the server. */
export interface HandlerOptions {
  readonly log: Logger;
  readonly limits: Limits;
  readonly isDraining: () => boolean;
  readonly now: () => number;
  readonly identityOf: (call: ShowsIdentity) => Identity;
  /** Hears of every call when it is over. */
  readonly observe: CallObserver;
}

/**
 * An async function as a grpc-js handler. The function checks the request first and throws `InvalidRequest` for what it finds; it
 * answers a value or a problem, and what it throws otherwise is a fault: logged, and hidden from the caller.
 */
export function unary<Request, Response>(
  options: HandlerOptions,
  run: (request: Request, context: CallContext) => Promise<Answer<Response>>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const record = new CallRecord(rpcOf(call.getPath()), call.metadata, call.request, options.observe);
    answerOf(options, call, run, record)
      .then((answer) => {
        if ('status' in answer) callback(serviceError(answer.status));
        else callback(null, answer.value);
        if ('status' in answer) record.refused(answer.status);
        else record.answered(answer.value);
      })
      .catch((fault: unknown) => callback(serviceError(logged(options, call.getPath(), fault))));
  };
}

async function answerOf<Request, Value>(
  options: HandlerOptions,
  call: ServerUnaryCall<Request, unknown>,
  run: (request: Request, context: CallContext) => Promise<Answer<Value>>,
  record: CallRecord,
): Promise<{ value: Value } | { status: Status }> {
  try {
    const identity = options.identityOf(call);
    const found = identity.who();
    const who = found instanceof Promise ? await found : found;
    const problem = typeof who === 'string' ? problemBefore(options, call.request) : who;
    if (typeof who !== 'string' || problem !== undefined) return { status: statusOf(problem as Problem, options.now()) };
    record.holder = who;
    const answer = await run(call.request, contextOf(call, who, identity));
    return answer.ok ? { value: answer.value } : { status: statusOf(answer.problem, answer.now) };
  } catch (fault) {
    return { status: statusOfFault(options, call.getPath(), fault) };
  }
}

interface AnyCall {
  readonly cancelled: boolean;
  getDeadline(): Date | number;
  once(event: 'cancelled', listener: () => void): unknown;
  removeListener(event: 'cancelled', listener: () => void): unknown;
}

/** What is known of a call. The deadline is the caller's own, by the wall clock. */
export function contextOf(call: AnyCall, holder: string, identity: Identity): CallContext {
  const deadline = call.getDeadline();
  return {
    holder,
    isStillKnown: () => identity.isStill(holder),
    validUntil: () => identity.validUntil,
    check: new FieldCheck(),
    cancelled: () => call.cancelled,
    deadlineMs: (deadline instanceof Date ? deadline.getTime() : deadline) - Date.now(),
    onCancel: (listener) => {
      call.once('cancelled', listener);
      return () => call.removeListener('cancelled', listener);
    },
  };
}

/**
 * A stream that the server sends until the caller or a drain ends it. `run` answers a problem, or starts to send; what goes wrong
 * later it hands to `fail`, as a thrown thing.
 */
export function serverStream<Request, Response>(
  options: HandlerOptions,
  streams: OpenStreams,
  run: (
    request: Request,
    context: CallContext,
    call: ServerWritableStream<Request, Response>,
    fail: (fault: unknown) => void,
  ) => Promise<Problem | null>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const record = new CallRecord(rpcOf(call.getPath()), call.metadata, call.request, options.observe);
    const end = (status: Status) => {
      record.refused(status);
      call.emit('error', serviceError(status));
    };
    const fail = (fault: unknown) => end(statusOfFault(options, call.getPath(), fault));
    const identity = options.identityOf(call);
    const begin = (who: Who) => {
      const problem = typeof who === 'string' ? problemBefore(options, call.request) : who;
      if (typeof who !== 'string' || problem !== undefined) {
        end(statusOf(problem as Problem, options.now()));
        return;
      }
      record.holder = who;
      record.follow(call);
      streams.follow(call);
      run(call.request, contextOf(call, who, identity), call, fail).then((found) => {
        if (found !== null) end(statusOf(found, options.now()));
      }, fail);
    };
    const found = identity.who();
    if (found instanceof Promise) found.then(begin, fail);
    else begin(found);
  };
}

/** Why a call is not even begun. */
export function problemBefore(options: HandlerOptions, request: unknown): Problem | undefined {
  if (request instanceof Malformed) return { kind: 'invalid', violations: request.violations };
  if (options.isDraining()) return { kind: 'unavailable', why: 'draining' };
  return undefined;
}

/** The violations that were found in a request; thrown so that a handler reads straight down. */
class InvalidRequest extends Error {
  readonly violations: readonly FieldViolation[];

  constructor(violations: readonly FieldViolation[]) {
    super('invalid request');
    this.violations = violations;
  }
}

/** A problem that shows while a stream is being sent, in the form of a thrown thing. */
export class StreamProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.kind);
    this.problem = problem;
  }
}

/** Goes on only with a request in which nothing is wrong. */
export function accepted<T>(check: FieldCheck, call: T): T {
  if (check.violations.length > 0) throw new InvalidRequest(check.violations);
  return call;
}

/** What a thrown thing is on the wire: four kinds are known, and anything else is a fault. */
export function statusOfFault(options: HandlerOptions, path: string, fault: unknown): Status {
  if (fault instanceof InvalidRequest) return statusOf({ kind: 'invalid', violations: fault.violations }, options.now());
  if (fault instanceof StreamProblem) return statusOf(fault.problem, options.now());
  if (fault instanceof StoreLost) return statusOf({ kind: 'unavailable', why: 'store_lost' }, options.now());
  if (fault instanceof Contended) return statusOf({ kind: 'unavailable', why: 'contended' }, options.now());
  return logged(options, path, fault);
}

function logged({ log }: HandlerOptions, path: string, fault: unknown): Status {
  const requestId = randomUUID();
  log.error({ err: fault, rpc: path, request_id: requestId }, 'fault in a call');
  return internalError(requestId);
}

/** The answer with its value turned into a message. */
export function mapped<Value, Response>(answer: Answer<Value>, respond: (value: Value) => Response): Answer<Response> {
  return answer.ok ? answered(respond(answer.value), answer.now) : answer;
}
