import type { MethodDefinition } from '@grpc/grpc-js';
import { UnhealthyReason } from '../../src/generated/keylease/v1/key.ts';
import * as leases from '../../src/generated/keylease/v1/key_lease_service.ts';
import * as admin from '../../src/generated/keylease/v1/pool_admin_service.ts';

/** What a call is about: a pool by its name, a key of it, and a lease. */
export interface About {
  readonly pool: string;
  readonly keyId: string;
  readonly leaseId: string;
}

export interface RpcRow {
  readonly name: string;
  readonly method: MethodDefinition<unknown, unknown>;
  /** What the call names, and by which the gate decides: null: nothing. */
  readonly names: 'pool' | 'lease' | null;
  request(about: About): unknown;
}

type Make = Pick<RpcRow, 'names' | 'request'>;

const onPool = (more: (about: About) => object = () => ({})): Make => ({
  names: 'pool',
  request: (about) => ({ pool: about.pool, ...more(about) }),
});
const onKey = onPool(({ keyId }) => ({ keyId }));
const onLease = (more: object = {}): Make => ({ names: 'lease', request: ({ leaseId }) => ({ leaseId, ...more }) });
const acquire = ({ pool }: About) => leases.AcquireKeyRequest.fromPartial({ pool });
const { UNHEALTHY_REASON_OPERATOR: reason } = UnhealthyReason;

/** One row for every RPC; a mark counts as two, for by lease and by key it is another right. */
const ROWS: Readonly<Record<string, Readonly<Record<string, Make>>>> = {
  KeyLeaseService: {
    acquireKey: { names: 'pool', request: acquire },
    reportHeaders: onLease({ statusCode: 200, headers: {}, errorBody: '', inProgress: false }),
    markUnhealthy: {
      names: 'lease',
      request: ({ leaseId }) => ({ target: { $case: 'leaseId', value: leaseId }, pool: '', reason, message: '' }),
    },
    renewLease: onLease(),
    releaseLease: onLease(),
    leaseStream: { names: 'pool', request: (about) => ({ calls: [{ id: 1, call: { $case: 'acquireKey', value: acquire(about) } }] }) },
  },
  PoolAdminService: {
    listPools: { names: null, request: () => ({ pageSize: 0, pageToken: '' }) },
    listKeys: onPool(() => ({ pageSize: 0, pageToken: '' })),
    getKey: onKey,
    watchKeys: onPool(),
    listLeases: onPool(() => ({ keyId: '', holder: '', pageSize: 0, pageToken: '' })),
    explainAcquire: { names: 'pool', request: (about) => ({ acquireKey: acquire(about) }) },
    markHealthy: onKey,
    drainKey: onKey,
    enableKey: onKey,
    revokeLease: onLease(),
    reloadConfig: { names: null, request: () => ({}) },
  },
};

const SERVICES = { KeyLeaseService: leases.KeyLeaseServiceService, PoolAdminService: admin.PoolAdminServiceService };

/** Every RPC that the services have, with its row; throws for one that has none. */
export const RPCS: readonly RpcRow[] = Object.entries(SERVICES).flatMap(([service, methods]) =>
  Object.entries(methods).map(([name, method]) => {
    const row = ROWS[service]?.[name];
    if (row === undefined) throw new Error(`${service}/${name} has no row: what may who do with it?`);
    return { ...row, name, method: method as MethodDefinition<unknown, unknown> };
  }),
);

export const MARK_BY_KEY: RpcRow = {
  name: 'markUnhealthy by key',
  method: SERVICES.KeyLeaseService.markUnhealthy as MethodDefinition<unknown, unknown>,
  names: 'pool',
  request: ({ pool, keyId }) => ({ target: { $case: 'keyId', value: keyId }, pool, reason, message: '' }),
};
