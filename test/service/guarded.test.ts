import { expect, test } from 'vitest';
import type { Grant } from '../../src/auth/policy.ts';
import { Gate } from '../../src/service/gate.ts';
import { guarded } from '../../src/service/guarded.ts';
import type { AcquireCall, LeaseApi } from '../../src/service/leases.ts';
import { answered } from '../../src/service/problem.ts';

const CAPS = { leasesMax: null, waitersMax: null, requestsPerSecond: null, burst: 1, inFlightMax: null, priorityMax: null };
const GRANT: Grant = { holders: ['worker'], pools: ['default'], verbs: ['acquire'], caps: CAPS };
const NOW = 1_000;

/** An acquire during which the grant goes away; which leases were given back. */
async function acquireWhileForbidden(acquireTime: number): Promise<{ readonly kind: string; readonly released: readonly string[] }> {
  const pools = { named: () => undefined, all: () => [] };
  const gate = new Gate({ pools: pools as never, ids: {} as never, now: () => NOW });
  gate.put([GRANT]);
  const released: string[] = [];
  const inner = {
    acquire: async () => {
      gate.put([]);
      return answered({ lease: { id: 'lease', acquireTime } }, NOW);
    },
    release: async (_: string, id: string) => void released.push(id),
  };
  const call = { pool: 'default', priority: 0, requestId: 'r' };
  const answer = await guarded(inner as unknown as LeaseApi, gate).acquire('worker', call as AcquireCall);
  return { kind: answer.ok ? 'ok' : answer.problem.kind, released };
}

test('a lease that was made for whoever may not have it any more is given back', async () => {
  expect(await acquireWhileForbidden(NOW)).toEqual({ kind: 'forbidden', released: ['lease'] });
});

test('one that a repeated request names is not: its key is out, and calls may be under way', async () => {
  expect(await acquireWhileForbidden(NOW - 1)).toEqual({ kind: 'forbidden', released: [] });
});
