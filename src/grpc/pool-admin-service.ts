import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { AcquireKeyRequest } from '../generated/keylease/v1/key_lease_service.ts';
import type * as wire from '../generated/keylease/v1/pool_admin_service.ts';
import type { KeyView } from '../pool/status.ts';
import type { AdminApi } from '../service/admin.ts';
import { forbidden, type Gate } from '../service/gate.ts';
import type { LeaseView } from '../service/leases.ts';
import type { Answer, Problem } from '../service/problem.ts';
import { explainResponse } from './explain-message.ts';
import { accepted, type CallContext, type HandlerOptions, mapped, serverStream, unary } from './handler.ts';
import { keyMessage, leaseMessage, poolMessage } from './messages.ts';
import type { OpenStreams } from './open-streams.ts';
import { acquireCall } from './requests.ts';
import { maybeTimestampOf } from './time.ts';
import { type OpenWatch, watchKeys } from './watch-keys.ts';

export interface AdminCalls {
  readonly admin: AdminApi;
  readonly openWatch: OpenWatch;
  readonly gate: Gate;
}

/** The calls of operators: pass the gate, check, call the service, answer. `streams` holds the watches that are open. */
export function poolAdminService(
  { admin, openWatch, gate }: AdminCalls,
  streams: OpenStreams,
  options: HandlerOptions,
): UntypedServiceImplementation {
  const call = <Request, Value, Response>(
    run: (request: Request, context: CallContext) => Promise<Answer<Value>>,
    respond: (value: Value) => Response,
  ) => unary<Request, Response>(options, async (request, context) => mapped(await run(request, context), respond));

  /** A call on one pool, which `run` gets by its name. */
  const onPool = <Request extends { readonly pool: string }, Value, Response>(
    run: (request: Request, context: CallContext) => Promise<Answer<Value>>,
    respond: (value: Value) => Response,
  ) =>
    call(
      (request: Request, context) =>
        gate.isOpen
          ? run(request, context)
          : gate.through(gate.enterPool(context.holder, 'admin', request.pool), ({ pool }) => run({ ...request, pool }, context)),
      respond,
    );

  return {
    listPools: call(
      (request: wire.ListPoolsRequest, { holder }) =>
        gate.through(gate.enter(holder, 'admin'), () => admin.listPools(pageRequest(request), (pool) => gate.may(holder, 'admin', pool))),
      ({ items, nextToken }) => ({ pools: items.map(poolMessage), nextPageToken: nextToken }),
    ),
    listKeys: onPool(
      (request: wire.ListKeysRequest) => admin.listKeys(request.pool, pageRequest(request)),
      ({ items, nextToken }) => ({ keys: items.map(keyMessage), nextPageToken: nextToken }),
    ),
    getKey: onPool(
      (request: wire.GetKeyRequest, { check }) => admin.getKey(request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    watchKeys: serverStream(options, streams, async (request: wire.WatchKeysRequest, { holder, isStillKnown, validUntil }, call, fail) => {
      const entry = gate.isOpen ? null : gate.enterPool(holder, 'admin', request.pool);
      if (entry?.ok === false) return entry.problem;
      entry?.leave();
      const pool = entry?.pool ?? request.pool;
      const objection = (isKnown: boolean): Problem | null => {
        if (!isKnown) return { kind: 'unauthenticated', why: 'the credentials have ended meanwhile' };
        return gate.may(holder, 'admin', pool) ? null : forbidden('admin', pool);
      };
      const right = {
        validUntil,
        objection: () => {
          const isKnown = isStillKnown();
          return isKnown instanceof Promise ? isKnown.then(objection) : objection(isKnown);
        },
      };
      return watchKeys(openWatch, pool, call, fail, right);
    }),
    listLeases: onPool(
      (request: wire.ListLeasesRequest) => admin.listLeases(request.pool, request, pageRequest(request)),
      ({ items, nextToken }) => ({ leases: items.map(leaseMessage), nextPageToken: nextToken }),
    ),
    explainAcquire: call(({ acquireKey }: wire.ExplainAcquireRequest, { holder, check }) => {
      const request = acquireKey ?? AcquireKeyRequest.fromPartial({});
      const explain = async (pool: string) => {
        const answer = await admin.explain(accepted(check, acquireCall({ ...request, pool }, check)), holder);
        return answer.ok ? { ...answer, value: { ...answer.value, now: answer.now } } : answer;
      };
      if (gate.isOpen) return explain(request.pool);
      return gate.through(gate.enterPool(holder, 'admin', request.pool), ({ pool }) => explain(pool));
    }, explainResponse),
    markHealthy: onPool(
      (request: wire.MarkHealthyRequest, { holder, check }) =>
        admin.markHealthy(holder, request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    drainKey: onPool(
      (request: wire.DrainKeyRequest, { holder, check }) =>
        admin.drain(holder, request.pool, accepted(check, check.required('key_id', request.keyId))),
      ({ key, leases, lastExpireTime }) => ({
        key: keyMessage(key),
        leases: leases.map((lease) => leaseMessage({ lease, end: null })),
        lastExpireTime: maybeTimestampOf(lastExpireTime),
      }),
    ),
    enableKey: onPool(
      (request: wire.EnableKeyRequest, { holder, check }) =>
        admin.enable(holder, request.pool, accepted(check, check.required('key_id', request.keyId))),
      keyResponse,
    ),
    revokeLease: call(
      ({ leaseId }: wire.RevokeLeaseRequest, { holder, check }) =>
        gate.through(gate.enterLease(holder, 'admin', leaseId), () =>
          admin.revoke(holder, accepted(check, check.required('lease_id', leaseId))),
        ),
      (view: LeaseView) => ({ lease: leaseMessage(view) }),
    ),
    reloadConfig: call(
      (_request: wire.ReloadConfigRequest, { holder }) => gate.through(gate.enterAll(holder, 'admin'), () => admin.reload(holder)),
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
