import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { AcquireKeyRequest } from '../generated/keylease/v1/key_lease_service.ts';
import type * as wire from '../generated/keylease/v1/pool_admin_service.ts';
import type { KeyView } from '../pool/status.ts';
import type { Admin } from '../service/admin.ts';
import type { LeaseView } from '../service/leases.ts';
import type { Answer } from '../service/problem.ts';
import { explainResponse } from './explain-message.ts';
import { accepted, type CallContext, type HandlerOptions, mapped, serverStream, unary } from './handler.ts';
import { keyMessage, leaseMessage, poolMessage } from './messages.ts';
import type { OpenStreams } from './open-streams.ts';
import { acquireCall } from './requests.ts';
import { maybeTimestampOf } from './time.ts';
import { type OpenWatch, watchKeys } from './watch-keys.ts';

/** The calls of operators: check, call the service, answer. `streams` holds the watches that are open. */
export function poolAdminService(
  admin: Admin,
  openWatch: OpenWatch,
  streams: OpenStreams,
  options: HandlerOptions,
): UntypedServiceImplementation {
  const call = <Request, Value, Response>(
    run: (request: Request, context: CallContext) => Promise<Answer<Value>>,
    respond: (value: Value) => Response,
  ) => unary<Request, Response>(options, async (request, context) => mapped(await run(request, context), respond));

  return {
    listPools: call(
      (request: wire.ListPoolsRequest) => admin.listPools(pageRequest(request)),
      ({ items, nextToken }) => ({ pools: items.map(poolMessage), nextPageToken: nextToken }),
    ),
    listKeys: call(
      (request: wire.ListKeysRequest) => admin.listKeys(request.pool, pageRequest(request)),
      ({ items, nextToken }) => ({ keys: items.map(keyMessage), nextPageToken: nextToken }),
    ),
    getKey: call(
      (request: wire.GetKeyRequest, { check }) => admin.getKey(request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    watchKeys: serverStream(options, streams, async (request: wire.WatchKeysRequest, _context, call, fail) =>
      watchKeys(openWatch, request.pool, call, fail),
    ),
    listLeases: call(
      (request: wire.ListLeasesRequest) => admin.listLeases(request.pool, request, pageRequest(request)),
      ({ items, nextToken }) => ({ leases: items.map(leaseMessage), nextPageToken: nextToken }),
    ),
    explainAcquire: call(async (request: wire.ExplainAcquireRequest, { holder, check }) => {
      const call = accepted(check, acquireCall(request.acquireKey ?? AcquireKeyRequest.fromPartial({}), check));
      const answer = await admin.explain(call, holder);
      return answer.ok ? { ...answer, value: { ...answer.value, now: answer.now } } : answer;
    }, explainResponse),
    markHealthy: call(
      (request: wire.MarkHealthyRequest, { check }) =>
        admin.markHealthy(request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    drainKey: call(
      (request: wire.DrainKeyRequest, { check }) => admin.drain(request.pool, accepted(check, check.required('key_id', request.keyId))),
      ({ key, leases, lastExpireTime }) => ({
        key: keyMessage(key),
        leases: leases.map((lease) => leaseMessage({ lease, end: null })),
        lastExpireTime: maybeTimestampOf(lastExpireTime),
      }),
    ),
    enableKey: call(
      (request: wire.EnableKeyRequest, { check }) => admin.enable(request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    revokeLease: call(
      (request: wire.RevokeLeaseRequest, { check }) => admin.revoke(accepted(check, check.required('lease_id', request.leaseId))),
      (view: LeaseView) => ({ lease: leaseMessage(view) }),
    ),
    reloadConfig: call(
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
