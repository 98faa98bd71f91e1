import { describe, expect, test } from 'vitest';
import { redisServer } from '../support/redis.ts';
import { runChaos } from './chaos.ts';
import { FAULTS, type Fault } from './faults.ts';
import type { Kind } from './topology.ts';

const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

/** Ends what hangs, and says nothing on speed. */
const BOUND_MS = 300_000;

const named = (name: string): Fault => FAULTS.find((fault) => fault.name === name) as Fault;

describe.skipIf(redisServer === null)('replicas that share one store, under load', () => {
  test.each<{ kind: Kind; faults: string[] }>([
    { kind: 'single', faults: ['kill primary whose last writes are lost', 'black hole', 'stop replica', 'step clock on'] },
    { kind: 'sentinel', faults: ['kill primary whose last writes are lost', 'kill replica'] },
    { kind: 'replicated', faults: ['split brain'] },
    { kind: 'cluster', faults: ['freeze primary', 'part primary'] },
  ])(
    '$kind: $faults; nothing is granted or settled that may not be, and grants go on',
    async ({ kind, faults }) => {
      const outcome = await runChaos({ kind, faults: faults.map(named), seed: SEED });
      expect({ seed: SEED, violations: outcome.violations }).toEqual({ seed: SEED, violations: [] });
      expect(outcome.crashes).toEqual([]);
      expect(outcome.rounds.map(({ fault, isSeen }) => [fault.name, isSeen])).toEqual(faults.map((name) => [name, true]));
      for (const { fault, outage } of outcome.rounds.filter((round) => round.fault.isFailover)) {
        expect({ fault: fault.name, failed: outage.failed > 0 }).toEqual({ fault: fault.name, failed: true });
      }
      expect(outcome.acknowledged).toBeGreaterThan(faults.length * 50);
    },
    BOUND_MS,
  );
});
