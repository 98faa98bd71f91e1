import type { GroupState, KeyState, Lease, Meter, PoolConfig, RequestRecord, UsageEstimate } from '../../src/pool/model.ts';

/** Only the id and the longest lease of a configuration mean anything to a store. */
export function makePool(id = 'p'): PoolConfig {
  return { id, leaseTtlMaxMs: 60_000 } as PoolConfig;
}

export function makeKey(key: Partial<KeyState> = {}): KeyState {
  return {
    id: 'k1',
    version: 0,
    fingerprint: '0a1b2c3d',
    secretVersion: 1,
    account: null,
    group: 'g1',
    block: null,
    modelBlocks: {},
    concurrency: {},
    draining: false,
    failures: 0,
    witnesses: [],
    activeLeases: 0,
    lastGrant: 0,
    lastReportTime: null,
    ...key,
  };
}

export function makeGroup(group: Partial<GroupState> = {}): GroupState {
  return { id: 'g1', version: 0, blocks: {}, meters: {}, ...group };
}

export function makeMeter(meter: Partial<Meter> = {}): Meter {
  return {
    dimension: 'requests',
    source: 'learned',
    refill: 'continuous',
    limit: 50,
    windowMs: 60_000,
    windowKnown: true,
    namedWindowMs: null,
    deficit: 0,
    at: 1_000,
    resetTime: null,
    refillPerMs: 50 / 60_000,
    reserved: 0,
    observedRequestTime: null,
    observedResponseTime: null,
    spent: [],
    ...meter,
  };
}

/** What calls of a model class used. */
export function makeUsage(inputMean: number): UsageEstimate {
  return { inputMean, inputSpread: 0, outputMean: 1, outputSpread: 0, calls: 1, inputPad: 1, outputPad: 1 };
}

export function makeLease(lease: Partial<Lease> = {}): Lease {
  return {
    id: 'l1',
    pool: 'p',
    keyId: 'k1',
    group: 'g1',
    modelClass: '',
    holder: 'h',
    secretVersion: 1,
    acquireTime: 1_000,
    expireTime: 61_000,
    requests: 1,
    requestsReported: 0,
    held: { requests: 1, inputTokens: 0, outputTokens: 0 },
    sentTime: null,
    answerTime: null,
    requestId: '',
    ...lease,
  };
}

export function makeRequest(request: Partial<RequestRecord> = {}): RequestRecord {
  return { holder: 'h', requestId: 'r1', contentHash: 'c', lease: makeLease(), end: null, forgetTime: 2_000_000, ...request };
}
