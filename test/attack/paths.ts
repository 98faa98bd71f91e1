export const ACQUIRE = '/keylease.v1.KeyLeaseService/AcquireKey';
export const LEASE_STREAM = '/keylease.v1.KeyLeaseService/LeaseStream';

/** Every method that answers a call with a message. */
export const UNARY_METHODS = [
  ...['AcquireKey', 'ReportHeaders', 'MarkUnhealthy', 'RenewLease', 'ReleaseLease'].map((name) => `/keylease.v1.KeyLeaseService/${name}`),
  ...['ListPools', 'ListKeys', 'GetKey', 'ListLeases', 'ExplainAcquire'].map((name) => `/keylease.v1.PoolAdminService/${name}`),
  '/grpc.health.v1.Health/Check',
];
