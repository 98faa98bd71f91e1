import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { type HandlerOptions, unary } from './handler.ts';
import type { LeaseCalls } from './lease-calls.ts';
import { leaseStream } from './lease-stream.ts';
import type { OpenStreams } from './open-streams.ts';

/** `keylease.v1.KeyLeaseService` on the wire. */
export function keyLeaseService(calls: LeaseCalls, streams: OpenStreams, options: HandlerOptions): UntypedServiceImplementation {
  return {
    acquireKey: unary(options, calls.acquireKey),
    reportHeaders: unary(options, calls.reportHeaders),
    markUnhealthy: unary(options, calls.markUnhealthy),
    renewLease: unary(options, calls.renewLease),
    releaseLease: unary(options, calls.releaseLease),
    leaseStream: leaseStream(options, streams, calls),
  };
}
