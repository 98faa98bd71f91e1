/** The client of keylease for TypeScript and JavaScript: lease a key, call the provider, report, all in one call. */
export { HostNotAllowed, KeyLeaseRefused, KeyLeaseUnavailable } from './errors.ts';
export { createKeyLease, type KeyLease, type Run } from './key-lease.ts';
export type { Advice, LeaseHandle } from './lease-handle.ts';
export { type LeasedFetchOptions, leasedFetch } from './leased-fetch.ts';
export type { LeasedKey } from './leased-key.ts';
export type { Demand, Fallback, KeyLeaseOptions, LeaseOptions, TlsOptions } from './options.ts';
export type { Report } from './report.ts';
export type { Stats } from './stats.ts';
export type { Usage } from './usage.ts';
