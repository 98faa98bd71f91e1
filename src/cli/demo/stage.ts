import { type Ask, beginPhase, runClients } from './clients.ts';
import { DEMO_KEYS } from './demo-config.ts';
import { seededRandom } from './load.ts';
import type { Screen } from './screen.ts';
import { type StandInProvider, type StandInStats, startStandInProvider } from './stand-in-provider.ts';

export const CLIENTS = 24;
export const LIMITS = { requests: 600, inputTokens: 600_000, outputTokens: 180_000 };

/** Nearly empty from the start, so that the limits bind at once. */
const FILL = 0.1;
/** Shares of the phase. */
const OVERLOAD = { after: 0.35, length: 0.05 };
const REVOCATION = { key: DEMO_KEYS[2]!, after: 0.6 };
const LATENCY_MS = { least: 80, perOutputToken: 0.8 };

/** What a phase plays on: a provider, and clients that ask in the given way until the phase is over. */
export interface Stage {
  readonly provider: StandInProvider;
  readonly phaseMs: number;
  play(ask: Ask): Promise<void>;
}

/** Runs one phase against a provider of its own, the same each time: a short overload, a revoked key. Answers with what the provider counted. */
export async function onStage(screen: Screen, phaseMs: number, seed: number, run: (stage: Stage) => Promise<void>): Promise<StandInStats> {
  const overload = { afterMs: phaseMs * OVERLOAD.after, forMs: phaseMs * OVERLOAD.length };
  const provider = await startStandInProvider({
    keys: DEMO_KEYS,
    limits: LIMITS,
    fill: FILL,
    latencyMs: (outputTokens) => LATENCY_MS.least + outputTokens * LATENCY_MS.perOutputToken,
    share: seededRandom(seed),
  });
  try {
    await run({
      provider,
      phaseMs,
      async play(ask) {
        screen.restart();
        const events = [
          setTimeout(() => {
            provider.overload(overload.forMs);
            screen.event(`the provider is overloaded for ${(overload.forMs / 1_000).toFixed(1)}s and answers 529`);
          }, overload.afterMs),
          setTimeout(() => {
            provider.revoke(REVOCATION.key.secret);
            screen.event(`the provider revokes the secret of ${REVOCATION.key.id} and answers 401 to it`);
          }, phaseMs * REVOCATION.after),
        ];
        try {
          await runClients(CLIENTS, seed, beginPhase(phaseMs), ask);
        } finally {
          for (const event of events) clearTimeout(event);
        }
      },
    });
    return provider.stats();
  } finally {
    await provider.close();
  }
}
