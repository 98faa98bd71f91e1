import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerListener,
} from '@grpc/grpc-js';
import type { Limits } from '../config/schema-limits.ts';
import type { FieldViolation, Problem } from '../service/problem.ts';
import { serviceError, statusOf } from './status.ts';

type Bounds = Pick<Limits, 'calls' | 'metadataBytes' | 'metadataNames' | 'messageTimeoutMs'>;

/** In the place of a field, for what a call brings besides its message. */
const METADATA = '(metadata)';

/** How often calls whose message has not arrived are looked through, as a share of the time that they have. */
const LOOKS = 10;

interface Late {
  readonly since: number;
  readonly call: ServerInterceptingCallInterface;
}

/** Bounds each call of each service before any handler sees it. */
export class CallBounds {
  readonly #bounds: Bounds;
  readonly #now: () => number;
  #underWay = 0;
  /** Calls whose message has not arrived, the oldest first. */
  readonly #incomplete = new Set<Late>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bounds: Bounds, now: () => number) {
    this.#bounds = bounds;
    this.#now = now;
  }

  readonly interceptor: ServerInterceptor = (method, call) =>
    new ServerInterceptingCall(call, { start: (next) => next(this.#listener(call, !method.requestStream)) });

  #listener(call: ServerInterceptingCallInterface, hasOneMessage: boolean): ServerListener {
    const late = { since: performance.now(), call };
    let isUnderWay = false;
    const arrived = () => this.#incomplete.delete(late);
    return {
      onReceiveMetadata: (metadata, next) => {
        const problem = this.#problemOf(metadata);
        if (problem !== undefined) {
          this.#end(call, problem);
          return;
        }
        isUnderWay = true;
        this.#underWay += 1;
        if (hasOneMessage) this.#watch(late);
        next(metadata);
      },
      onReceiveHalfClose: (next) => {
        arrived();
        next();
      },
      // Comes at the end of every call, however it ends.
      onCancel: () => {
        arrived();
        if (isUnderWay) this.#underWay -= 1;
        isUnderWay = false;
      },
    };
  }

  #problemOf(metadata: Metadata): Problem | undefined {
    if (this.#underWay >= this.#bounds.calls) return { kind: 'too_many_calls' };
    const violations = violationsOf(metadata, this.#bounds);
    return violations.length === 0 ? undefined : { kind: 'invalid', violations };
  }

  #watch(late: Late): void {
    this.#incomplete.add(late);
    this.#timer ??= setTimeout(() => this.#look(), this.#bounds.messageTimeoutMs / LOOKS).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const afterMs = this.#bounds.messageTimeoutMs;
    for (const late of this.#incomplete) {
      if (performance.now() - late.since < afterMs) break;
      this.#incomplete.delete(late);
      this.#end(late.call, { kind: 'message_late', afterMs });
    }
    const [oldest] = this.#incomplete;
    if (oldest !== undefined) this.#timer = setTimeout(() => this.#look(), afterMs / LOOKS).unref();
  }

  #end(call: ServerInterceptingCallInterface, problem: Problem): void {
    const { code, details, metadata } = serviceError(statusOf(problem, this.#now()));
    call.sendStatus({ code, details, metadata });
  }
}

function violationsOf(metadata: Metadata, { metadataBytes, metadataNames }: Bounds): FieldViolation[] {
  const names = Object.keys(metadata.getMap());
  const bytes = names.reduce((sum, name) => metadata.get(name).reduce((more, value) => more + name.length + value.length, sum), 0);
  const violations: FieldViolation[] = [];
  if (names.length > metadataNames) violations.push({ field: METADATA, description: `has more than ${metadataNames} names` });
  if (bytes > metadataBytes) violations.push({ field: METADATA, description: `is longer than ${metadataBytes} bytes` });
  return violations;
}
