import { toTimestamp } from '../../src/cli/words.ts';
import { Dimension, KeyState, KeyStatus, LimitSource, type LimitStatus } from '../../src/generated/keylease/v1/key.ts';
import { Lease, LeaseState } from '../../src/generated/keylease/v1/lease.ts';
import { NOW } from './run-cli.ts';

/** A moment so many seconds after the tests' now. */
export const after = (seconds: number) => toTimestamp(NOW + seconds * 1_000);

/** An available key with nothing known of it. */
export const makeKey = (overrides: Partial<KeyStatus> = {}): KeyStatus =>
  KeyStatus.fromPartial({
    pool: 'default',
    keyId: 'team-a',
    fingerprint: '0a1b2c3d',
    limitGroup: 'org-1',
    state: KeyState.KEY_STATE_AVAILABLE,
    capacityScore: 1,
    weight: 1,
    ...overrides,
  });

/** A learnt limit a minute. */
export const makeLimit = (overrides: Partial<LimitStatus> = {}): LimitStatus => ({
  dimension: Dimension.DIMENSION_INPUT_TOKENS,
  modelClass: '',
  window: { seconds: 60, nanos: 0 },
  limit: 30_000,
  remaining: 29_987,
  reserved: 0,
  resetTime: undefined,
  source: LimitSource.LIMIT_SOURCE_LEARNED,
  ...overrides,
});

/** An active lease that ends in a minute. */
export const makeLease = (overrides: Partial<Lease> = {}): Lease =>
  Lease.fromPartial({
    leaseId: 'l-1',
    pool: 'default',
    keyId: 'team-a',
    modelClass: 'sonnet',
    holder: 'anonymous',
    state: LeaseState.LEASE_STATE_ACTIVE,
    acquireTime: after(0),
    expireTime: after(60),
    requestsReserved: 1,
    ...overrides,
  });
