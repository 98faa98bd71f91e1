/**
 * Acquires and settles leases through the service, a thousand under way at any time, and tells at each tenth what memory is in use.
 * Argument: how many leases. Needs --expose-gc, so that what is told is memory that is held and not garbage.
 */

import type { AcquireCall } from '../../src/service/leases.ts';
import { createService } from '../../src/service/service.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { acquireRequest, anthropicHeaders } from '../load/messages.ts';
import { benchConfig, POOL } from './config.ts';

/** What is in use after so many leases. */
export interface Held {
  readonly leases: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly microsPerLease: number;
}

const UNDER_WAY = 1_000;
const TELLINGS = 10;

const store = memoryStore();
const { leases, generations } = createService(store, Math.random, { joinedGroup: () => {}, poolShrank: () => {}, leaseExpired: () => {} });
await generations.put(benchConfig());

const call: AcquireCall = {
  pool: POOL,
  model: acquireRequest.model,
  requests: 1,
  inputTokens: 1_200,
  outputTokens: 400,
  ttlMs: null,
  maxWaitMs: null,
  affinity: '',
  priority: 0,
  excluded: new Set(),
  requestId: '',
  contentHash: '',
};

async function acquireOne(): Promise<string> {
  const answer = await leases.acquire('anonymous', call);
  if (!answer.ok) throw new Error(`refused: ${answer.problem.kind}`);
  return answer.value.lease.id;
}

async function settle(leaseId: string): Promise<void> {
  const headers = new Map(Object.entries(anthropicHeaders(Date.now())));
  const usage = { inputTokens: 1_100, outputTokens: 350, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
  const told = { leaseId, status: 200, headers, errorBody: '', usage, requestTime: null, responseTime: null, inProgress: false };
  const answer = await leases.report('anonymous', told);
  if (!answer.ok) throw new Error(`refused: ${answer.problem.kind}`);
}

function tell(held: Held): void {
  process.stdout.write(`${JSON.stringify(held)}\n`);
}

const total = Number(process.argv[2]);
const underWay: string[] = [];
let begin = performance.now();
let told = 0;
for (let count = 1; count <= total; count++) {
  underWay[count % UNDER_WAY] = await acquireOne();
  const oldest = underWay[(count + 1) % UNDER_WAY];
  if (oldest !== undefined) await settle(oldest);
  if (count % Math.ceil(total / TELLINGS) !== 0 && count !== total) continue;
  const microsPerLease = ((performance.now() - begin) * 1_000) / (count - told);
  gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  tell({ leases: count, heapBytes: heapUsed, rssBytes: rss, microsPerLease });
  begin = performance.now();
  told = count;
}
process.exit();
