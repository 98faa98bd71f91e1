/** Nouns for tests: complete ones from the little that a test is about. */
import type { AcquireRequest } from '../../src/pool/acquire.ts';
import type {
  Block,
  Candidate,
  Demand,
  Facts,
  GroupState,
  KeyConfig,
  KeyState,
  Lease,
  Meter,
  PoolConfig,
  PoolState,
  RequestRecord,
  Told,
  WantedDemand,
} from '../../src/pool/model.ts';
import type { Report } from '../../src/pool/report.ts';
import { freshKey } from '../../src/pool/room.ts';
import { leastLoaded } from '../../src/pool/strategy/least-loaded.ts';
import type { Counting, Dimension, HeaderReading, Judgement, Millis, Observation, Provider } from '../../src/pool/upstream.ts';
import { PoolTables, requestKey } from '../../src/store/pool-tables.ts';
import { PoolView } from '../../src/store/pool-view.ts';
import { FRESH_POOL } from '../../src/store/store.ts';
import { MINUTE, START } from './clock.ts';

/** Requests and input are counted when a request starts, output while it runs. */
export const COUNTING: Readonly<Record<Dimension, Counting>> = {
  requests: 'at_start',
  input_tokens: 'at_start',
  output_tokens: 'as_it_goes',
  tokens: 'as_it_goes',
};

export function makeProvider(provider: Partial<Provider> = {}): Provider {
  return {
    name: 'plain',
    readHeaders: () => makeReading(),
    modelClasses: [],
    credential: (secret) => ({ secret, headerName: 'authorization', headerValue: secret, headers: {}, baseUrl: 'https://provider.test' }),
    verdicts: [],
    counting: COUNTING,
    counted: ({ inputTokens, outputTokens }) => ({ inputTokens, outputTokens }),
    failedTokensCount: false,
    ...provider,
  };
}

/** A minute's limits by dimension, as a key's configuration. */
export function aMinute(limits: Partial<Record<Dimension, number>>): KeyConfig['limits'] {
  return Object.entries(limits).map(([dimension, limit]) => ({ dimension: dimension as Dimension, limit, windowMs: MINUTE }));
}

export function makeKey(key: Partial<KeyConfig> = {}): KeyConfig {
  const { id = 'a' } = key;
  return { id, order: 0, fingerprint: `print-${id}`, limitGroup: null, weight: 1, priority: 1, leasesMax: 1_000, limits: [], ...key };
}

/** Keys are given as they differ; each gets its place as its order. */
export function makePool({
  keys = [{ id: 'a' }],
  ...pool
}: Partial<Omit<PoolConfig, 'keys'>> & { keys?: readonly Partial<KeyConfig>[] } = {}): PoolConfig {
  return {
    id: 'p',
    provider: makeProvider(),
    strategy: leastLoaded,
    leaseTtlMs: MINUTE,
    leaseTtlMaxMs: 15 * MINUTE,
    waitMaxMs: 30_000,
    waitersMax: 1_000,
    waitersPerHolderMax: 1_000,
    unhealthyAfter: 1,
    modelClasses: [],
    keys: keys.map((key, order) => makeKey({ order, ...key })),
    ...pool,
  };
}

export function makeKeyState(key: Partial<KeyState> = {}): KeyState {
  return { ...freshKey(makeKey({ id: key.id ?? 'a' })), ...key };
}

export function makeGroup(group: Partial<GroupState> = {}): GroupState {
  return { id: 'a', version: 0, blocks: {}, meters: {}, ...group };
}

/** A full minute's limit that nobody has observed yet. */
export function makeMeter(meter: Partial<Meter> = {}): Meter {
  return {
    dimension: 'requests',
    source: 'learned',
    refill: 'continuous',
    limit: 60,
    windowMs: MINUTE,
    windowKnown: true,
    namedWindowMs: null,
    deficit: 0,
    at: START,
    resetTime: null,
    refillPerMs: 0,
    reserved: 0,
    observedRequestTime: null,
    observedResponseTime: null,
    spent: [],
    ...meter,
  };
}

/** What a response told whose request was sent at START and answered at once. */
export function makeTold(told: Partial<Told> = {}): Told {
  return { requestTime: START, containedAfter: START, deficit: 0, at: START, resetTime: null, refillPerMs: 0, ...told };
}

export function makeBlock(block: Partial<Block> = {}): Block {
  return {
    kind: 'cooldown',
    reason: 'rate_limited',
    message: '',
    since: START,
    until: START + MINUTE,
    after: 'free',
    strikes: 1,
    probe: null,
    ...block,
  };
}

export function makeDemand(demand: Partial<Demand> = {}): Demand {
  return { requests: 1, inputTokens: 0, outputTokens: 0, ...demand };
}

export function makeWanted(wanted: Partial<WantedDemand> = {}): WantedDemand {
  const { inputTokens, outputTokens, inputGuessed = false, outputGuessed = false } = { ...makeDemand(), ...wanted };
  const leastInputTokens = inputGuessed ? 0 : inputTokens;
  const leastOutputTokens = outputGuessed ? 0 : outputTokens;
  return { ...makeDemand(), leastInputTokens, leastOutputTokens, inputGuessed, outputGuessed, ...wanted };
}

export function makeLease(lease: Partial<Lease> = {}): Lease {
  const { acquireTime = START } = lease;
  return {
    id: 'lease',
    pool: 'p',
    keyId: 'a',
    group: 'a',
    modelClass: '',
    holder: 'holder',
    secretVersion: 1,
    acquireTime,
    expireTime: acquireTime + MINUTE,
    requests: 1,
    requestsReported: 0,
    held: makeDemand(),
    sentTime: acquireTime + 1_000,
    answerTime: null,
    requestId: '',
    ...lease,
  };
}

export function makeAsk(ask: Partial<AcquireRequest> = {}): AcquireRequest {
  return {
    requests: 1,
    inputTokens: 0,
    outputTokens: 0,
    holder: 'holder',
    modelClass: '',
    ttlMs: null,
    affinity: '',
    excluded: new Set(),
    requestId: '',
    contentHash: '',
    ...ask,
  };
}

/** What one response said of a minute's limit. */
export function makeObservation(observation: Partial<Observation> = {}): Observation {
  return {
    dimension: 'requests',
    limit: 60,
    remaining: 60,
    resetInMs: null,
    windowMs: MINUTE,
    windowNamed: false,
    refill: 'continuous',
    ...observation,
  };
}

export function makeReading(reading: Partial<HeaderReading> = {}): HeaderReading {
  return { observations: [], retryAfterMs: null, account: null, ignored: [], ...reading };
}

/** A report of a success, unless it says otherwise. */
export function makeReport({
  observations = [],
  account = null,
  ...report
}: Partial<Report> & Partial<Pick<HeaderReading, 'observations' | 'account'>> = {}): Report {
  return {
    reading: makeReading({ observations, account }),
    judgement: makeJudgement(),
    status: 200,
    used: null,
    requestTime: null,
    responseTime: null,
    inProgress: false,
    ...report,
  };
}

export function makeJudgement(judgement: Partial<Judgement> = {}): Judgement {
  return { verdict: 'ok', scope: 'request', waitMs: null, ...judgement };
}

export function makeCandidate({ key = {}, ...candidate }: Partial<Omit<Candidate, 'key'>> & { key?: Partial<KeyConfig> } = {}): Candidate {
  return { key: makeKey(key), score: 1, headroom: 1, activeLeases: 0, lastGrant: 0, ...candidate };
}

export interface Records {
  readonly now?: Millis;
  readonly sequence?: number;
  readonly pool?: PoolConfig;
  readonly state?: Partial<PoolState>;
  readonly keys?: readonly KeyState[];
  readonly groups?: readonly GroupState[];
  readonly leases?: readonly Lease[];
  readonly requests?: readonly RequestRecord[];
}

/** The facts of one moment, from the records that there are. */
export function makeFacts({ now = START, sequence = 1, pool = makePool(), ...records }: Records = {}): Facts {
  const tables = new PoolTables();
  tables.state = { ...FRESH_POOL, ...records.state };
  for (const key of records.keys ?? []) tables.keys.set(key.id, key);
  for (const group of records.groups ?? []) tables.groups.set(group.id, group);
  for (const lease of records.leases ?? []) tables.putLease(lease);
  for (const record of records.requests ?? []) tables.requests.set(requestKey(record.holder, record.requestId), record);
  return new PoolView(tables, pool, now, sequence);
}
