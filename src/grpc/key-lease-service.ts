import { status as codes, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type {
  AcquireKeyRequest,
  MarkUnhealthyRequest,
  ReleaseLeaseRequest,
  RenewLeaseRequest,
  ReportHeadersRequest,
} from '../generated/keylease/v1/key_lease_service.ts';
import type { Leases, LeaseView } from '../service/leases.ts';
import { accepted, type CallContext, type HandlerOptions, unary } from './handler.ts';
import { acquireResponse, leaseMessage, markResponse, reportResponse } from './messages.ts';
import { acquireCall, markCall, reportCall } from './requests.ts';

/** The calls of programs: check, call the service, answer. */
export function keyLeaseService(leases: Leases, options: HandlerOptions): UntypedServiceImplementation {
  return {
    acquireKey: unary(
      options,
      (request: AcquireKeyRequest, { holder, check, cancelled }) =>
        leases.acquire(holder, accepted(check, acquireCall(request, check)), cancelled),
      acquireResponse,
    ),
    reportHeaders: unary(
      options,
      (request: ReportHeadersRequest, { holder, check }) => leases.report(holder, accepted(check, reportCall(request, check))),
      reportResponse,
    ),
    markUnhealthy: unary(
      options,
      (request: MarkUnhealthyRequest, { holder, check }) => leases.markUnhealthy(holder, accepted(check, markCall(request, check))),
      markResponse,
    ),
    renewLease: unary(
      options,
      (request: RenewLeaseRequest, { holder, check }) => {
        const id = check.required('lease_id', request.leaseId);
        const ttlMs = check.positiveSpan('ttl', request.ttl);
        return leases.renew(holder, accepted(check, id), ttlMs);
      },
      leaseResponse,
    ),
    releaseLease: unary(
      options,
      (request: ReleaseLeaseRequest, { holder, check }: CallContext) =>
        leases.release(holder, accepted(check, check.required('lease_id', request.leaseId))),
      leaseResponse,
    ),
    leaseStream: (call: { emit(event: 'error', error: object): void }) => {
      call.emit('error', { code: codes.UNIMPLEMENTED, details: 'LeaseStream is not served by this version' });
    },
  };
}

function leaseResponse(view: LeaseView) {
  return { lease: leaseMessage(view) };
}
