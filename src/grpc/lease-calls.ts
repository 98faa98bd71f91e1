import type { Limits } from '../config/schema-limits.ts';
import type {
  AcquireKeyRequest,
  MarkUnhealthyRequest,
  ReleaseLeaseRequest,
  RenewLeaseRequest,
  ReportHeadersRequest,
} from '../generated/keylease/v1/key_lease_service.ts';
import type { LeaseApi, LeaseView } from '../service/leases.ts';
import { accepted, type CallContext, mapped } from './handler.ts';
import { acquireResponse, leaseMessage, markResponse, reportResponse } from './messages.ts';
import { acquireCall, markCall, reportCall } from './requests.ts';

/** The calls of programs: check, call the service, answer. The same for a unary call and for one on a stream. */
export function leaseCalls(leases: LeaseApi, limits: Limits) {
  return {
    acquireKey: async (request: AcquireKeyRequest, context: CallContext) => {
      const call = accepted(context.check, acquireCall(request, context.check));
      return mapped(await leases.acquire(context.holder, call, context), acquireResponse);
    },
    reportHeaders: async (request: ReportHeadersRequest, { holder, check }: CallContext) => {
      const call = accepted(check, reportCall(request, check, limits));
      return mapped(await leases.report(holder, call), reportResponse);
    },
    markUnhealthy: async (request: MarkUnhealthyRequest, { holder, check }: CallContext) => {
      const call = accepted(check, markCall(request, check));
      return mapped(await leases.markUnhealthy(holder, call), markResponse);
    },
    renewLease: async (request: RenewLeaseRequest, { holder, check }: CallContext) => {
      const id = check.required('lease_id', request.leaseId);
      const ttlMs = accepted(check, check.positiveSpan('ttl', request.ttl));
      return mapped(await leases.renew(holder, id, ttlMs), leaseResponse);
    },
    releaseLease: async (request: ReleaseLeaseRequest, { holder, check }: CallContext) => {
      const id = accepted(check, check.required('lease_id', request.leaseId));
      return mapped(await leases.release(holder, id), leaseResponse);
    },
  };
}

export type LeaseCalls = ReturnType<typeof leaseCalls>;

function leaseResponse(view: LeaseView) {
  return { lease: leaseMessage(view) };
}
