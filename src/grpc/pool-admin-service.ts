import type { ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { AcquireKeyRequest } from '../generated/keylease/v1/key_lease_service.ts';
import type * as wire from '../generated/keylease/v1/pool_admin_service.ts';
import type { KeyView } from '../pool/status.ts';
import type { Admin } from '../service/admin.ts';
import type { LeaseView } from '../service/leases.ts';
import { explainResponse } from './explain-message.ts';
import { accepted, type HandlerOptions, serverStream, unary } from './handler.ts';
import { keyMessage, leaseMessage, poolMessage } from './messages.ts';
import { acquireCall } from './requests.ts';
import { maybeTimestampOf } from './time.ts';
import { type OpenWatch, watchKeys } from './watch-keys.ts';

type WatchStream = ServerWritableStream<wire.WatchKeysRequest, wire.WatchKeysResponse>;

/** The calls of operators: check, call the service, answer. `streams` holds the watches that are open, for a drain to end. */
export function poolAdminService(
  admin: Admin,
  openWatch: OpenWatch,
  streams: Set<WatchStream>,
  options: HandlerOptions,
): UntypedServiceImplementation {
  return {
    listPools: unary(
      options,
      (request: wire.ListPoolsRequest) => admin.listPools(pageRequest(request)),
      ({ items, nextToken }) => ({ pools: items.map(poolMessage), nextPageToken: nextToken }),
    ),
    listKeys: unary(
      options,
      (request: wire.ListKeysRequest) => admin.listKeys(request.pool, pageRequest(request)),
      ({ items, nextToken }) => ({ keys: items.map(keyMessage), nextPageToken: nextToken }),
    ),
    getKey: unary(
      options,
      (request: wire.GetKeyRequest, { check }) => admin.getKey(request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    watchKeys: serverStream(options, streams, async (request: wire.WatchKeysRequest, _context, call) =>
      watchKeys(openWatch, request.pool, call),
    ),
    listLeases: unary(
      options,
      (request: wire.ListLeasesRequest) => admin.listLeases(request.pool, request, pageRequest(request)),
      ({ items, nextToken }) => ({ leases: items.map(leaseMessage), nextPageToken: nextToken }),
    ),
    explainAcquire: unary(
      options,
      async (request: wire.ExplainAcquireRequest, { holder, check }) => {
        const call = accepted(check, acquireCall(request.acquireKey ?? AcquireKeyRequest.fromPartial({}), check));
        const answer = await admin.explain(call, holder);
        return answer.ok ? { ...answer, value: { ...answer.value, now: answer.now } } : answer;
      },
      explainResponse,
    ),
    markHealthy: unary(
      options,
      (request: wire.MarkHealthyRequest, { check }) =>
        admin.markHealthy(request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    drainKey: unary(
      options,
      (request: wire.DrainKeyRequest, { check }) => admin.drain(request.pool, accepted(check, check.required('key_id', request.keyId))),
      ({ key, leases, lastExpireTime }) => ({
        key: keyMessage(key),
        leases: leases.map((lease) => leaseMessage({ lease, end: null })),
        lastExpireTime: maybeTimestampOf(lastExpireTime),
      }),
    ),
    enableKey: unary(
      options,
      (request: wire.EnableKeyRequest, { check }) => admin.enable(request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    revokeLease: unary(
      options,
      (request: wire.RevokeLeaseRequest, { check }) => admin.revoke(accepted(check, check.required('lease_id', request.leaseId))),
      (view: LeaseView) => ({ lease: leaseMessage(view) }),
    ),
    reloadConfig: unary(
      options,
      () => admin.reload(),
      ({ generation, addedKeys, removedKeys, rotatedKeys }) => ({
        generation,
        addedKeys: [...addedKeys],
        removedKeys: [...removedKeys],
        rotatedKeys: [...rotatedKeys],
      }),
    ),
  };
}

function pageRequest({ pageSize, pageToken }: { pageSize: number; pageToken: string }) {
  return { size: pageSize, token: pageToken };
}

function keyResponse(view: KeyView) {
  return { key: keyMessage(view) };
}
