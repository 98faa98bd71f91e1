import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Duration } from '../generated/google/protobuf/duration.ts';
import type { AcquireKeyRequest } from '../generated/keylease/v1/key_lease_service.ts';
import type { Credential, Lease } from '../generated/keylease/v1/lease.ts';
import type { Service } from './connection.ts';
import { KeyLeaseUnavailable } from './errors.ts';
import type { Demand, LeaseOptions } from './options.ts';
import { refusalOfError } from './refusal.ts';
import { toDuration } from './time.ts';

export interface Granted {
  readonly lease: Lease;
  readonly credential: Credential;
  /** Time spent in line. */
  readonly waited: Duration | undefined;
}

/** A server that restarts is asked again until the deadline; a request id makes the tries one. */
const PAUSE_MS = { first: 50, longest: 400 };
const RECLAIM_MS = 1_000;

/** How long and how often a server is asked that does not answer. */
export interface Patience {
  readonly deadlineMs: number;
  readonly triesMax: number;
}

/** Asks for a lease; throws KeyLeaseRefused, KeyLeaseUnavailable, or the reason of the caller's signal. */
export async function acquireKey(
  service: Service,
  { deadlineMs, triesMax }: Patience,
  options: LeaseOptions,
  demand: Demand,
  excluded: readonly string[],
): Promise<Granted> {
  const request = requestOf(options, demand, excluded);
  const deadline = Date.now() + deadlineMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return await acquireOnce(service, request, Math.max(1, deadline - Date.now()) + (options.maxWaitMs ?? 0), options.signal);
    } catch (error) {
      if (!(error instanceof KeyLeaseUnavailable) || tries >= triesMax) throw error;
      const pause = Math.min(PAUSE_MS.longest, PAUSE_MS.first * 2 ** (tries - 1));
      if (Date.now() + pause >= deadline) throw error;
      await sleep(pause, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
}

async function acquireOnce(
  service: Service,
  request: AcquireKeyRequest,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Granted> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  let encoded: Uint8Array | undefined;
  try {
    const { lease, credential, waited } = await service.acquireKey(request, {
      signal: signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]),
      onTrailer: (trailer) => {
        encoded = trailer.get('grpc-status-details-bin');
      },
    });
    if (lease !== undefined && credential !== undefined) return { lease, credential, waited };
  } catch (error) {
    if (!signal?.aborted && !timeout.signal.aborted) throw refusalOfError(error, encoded);
    reclaim(service, request);
    if (signal?.aborted) throw signal.reason;
    throw new KeyLeaseUnavailable(`no answer within ${timeoutMs} ms`);
  } finally {
    clearTimeout(timer);
  }
  throw new KeyLeaseUnavailable('the lease ended before its credential arrived');
}

/** The lease may have been granted on the way: ask for the same one again and give it back, else it is held until it expires. */
function reclaim(service: Service, request: AcquireKeyRequest): void {
  service
    .acquireKey(request, { signal: AbortSignal.timeout(RECLAIM_MS) })
    .then(({ lease }) => service.releaseLease({ leaseId: lease!.leaseId }, { signal: AbortSignal.timeout(RECLAIM_MS) }))
    .catch(() => {});
}

function requestOf(options: LeaseOptions, demand: Demand, excluded: readonly string[]): AcquireKeyRequest {
  return {
    pool: options.pool ?? '',
    model: demand.model ?? '',
    estimatedInputTokens: whole(demand.inputTokens),
    estimatedOutputTokens: whole(demand.outputTokens),
    requests: demand.requests ?? 1,
    ttl: options.ttlMs === undefined ? undefined : toDuration(options.ttlMs),
    maxWait: options.maxWaitMs === undefined ? undefined : toDuration(options.maxWaitMs),
    affinity: options.affinity ?? '',
    priority: options.priority ?? 0,
    excludeKeyIds: [...excluded],
    requestId: randomUUID(),
  };
}

function whole(tokens: number | undefined): number | undefined {
  return tokens === undefined ? undefined : Math.max(0, Math.ceil(tokens));
}
